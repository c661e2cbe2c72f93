//! Flags of Prometheus that are accepted so that an existing command line works, but do nothing
//! here. Each one that is given is named in a warning at the start.

use std::ffi::OsString;

use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// A flag without effect: its name, whether it has a value, and why it does nothing.
type Inert = (&'static str, bool, &'static str);

const IN_MEMORY: &str = "samples are kept in memory";
const NO_ADMIN: &str = "there is no admin API";
const NO_AGENT: &str = "there is no agent mode";
const NO_CONSOLES: &str = "there are no console templates";
const NO_PAGES: &str = "the web pages are part of the program";
const NO_REMOTE: &str = "there is no remote write and read";
const NO_GO: &str = "there is no Go runtime to set";

const INERT: [Inert; 36] = [
    ("alertmanager.drain-notification-queue-on-shutdown", false, "the queue is always drained"),
    ("auto-gomaxprocs", false, NO_GO),
    ("auto-gomemlimit", false, NO_GO),
    ("auto-gomemlimit.ratio", true, NO_GO),
    ("config.auto-reload-interval", true, "the configuration is reloaded on demand only"),
    ("no-alertmanager.drain-notification-queue-on-shutdown", false, "the queue is always drained"),
    ("no-auto-gomaxprocs", false, NO_GO),
    ("no-auto-gomemlimit", false, NO_GO),
    ("scrape.adjust-timestamps", false, "times are taken as they are"),
    ("scrape.timestamp-tolerance", true, "times are taken as they are"),
    ("storage.agent.no-lockfile", false, NO_AGENT),
    ("storage.agent.path", true, NO_AGENT),
    ("storage.agent.retention.max-time", true, NO_AGENT),
    ("storage.agent.retention.min-time", true, NO_AGENT),
    ("storage.agent.wal-compression", false, NO_AGENT),
    ("storage.remote.flush-deadline", true, NO_REMOTE),
    ("storage.remote.read-concurrent-limit", true, NO_REMOTE),
    ("storage.remote.read-max-bytes-in-frame", true, NO_REMOTE),
    ("storage.remote.read-sample-limit", true, NO_REMOTE),
    ("storage.tsdb.head-chunks-write-queue-size", true, IN_MEMORY),
    ("storage.tsdb.max-block-duration", true, IN_MEMORY),
    ("storage.tsdb.min-block-duration", true, IN_MEMORY),
    ("storage.tsdb.no-lockfile", false, IN_MEMORY),
    ("storage.tsdb.path", true, IN_MEMORY),
    ("storage.tsdb.retention.size", true, IN_MEMORY),
    ("storage.tsdb.wal-compression", false, IN_MEMORY),
    ("storage.tsdb.wal-segment-size", true, IN_MEMORY),
    ("web.console.libraries", true, NO_CONSOLES),
    ("web.console.templates", true, NO_CONSOLES),
    ("web.enable-admin-api", false, NO_ADMIN),
    ("web.enable-remote-write-receiver", false, NO_REMOTE),
    ("web.local-assets", true, NO_PAGES),
    ("web.max-notifications-subscribers", true, "there are no live notifications"),
    ("web.page-title", true, NO_PAGES),
    ("web.remote-write-receiver.accepted-protobuf-messages", true, NO_REMOTE),
    ("web.user-assets", true, NO_PAGES),
];

/// The flags without effect that were given.
#[derive(Clone, Debug, Default)]
pub(super) struct InertFlags(Vec<Given>);

/// A flag that was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) reason: &'static str,
}

impl InertFlags {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Given> {
        self.0.iter()
    }
}

impl Args for InertFlags {
    fn augment_args(command: Command) -> Command {
        command.args(INERT.iter().map(|(name, has_value, reason)| {
            let flag = Arg::new(*name).long(*name);
            let flag = if *has_value {
                flag.action(ArgAction::Append).value_parser(clap::value_parser!(OsString))
            } else {
                flag.action(ArgAction::Count)
            };
            flag.value_name("VALUE")
                .hide_short_help(true)
                .help_heading("Accepted, without effect")
                .help(*reason)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for InertFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for &(name, has_value, reason) in &INERT {
            let value = if has_value {
                let values = matches.get_many::<OsString>(name).into_iter().flatten();
                values.last().map(|value| value.to_string_lossy().into_owned())
            } else {
                (0 < matches.get_count(name)).then(|| "true".into())
            };
            self.0.extend(value.map(|value| Given { name, value, reason }));
        }
        Ok(())
    }
}
