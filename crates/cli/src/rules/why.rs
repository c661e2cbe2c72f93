//! `skopos rules why`: why an alert was firing, pending or absent.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use skopos_core::{Clock as _, Labels, ManualClock, QueryEngine, TimeRange, Timestamp};
use skopos_promql::{Engine, EngineOptions, LiveTable, Overlay};
use skopos_rules::why::{Question, Why, why};
use skopos_rules::{
    Backtest, Evaluator, GroupDefaults, GroupState, LoadOptions, RuleKind, backtest,
};
use skopos_template::AlertExpander;
use url::Url;

use self::reader::Reader;
use super::backtest::{load_groups, schedules, written_by};
use super::foresight::Foresight;
use super::report;
use crate::outcome::Outcome;
use crate::query::{Page, Server};
use crate::time::{self, SystemClock};

mod reader;
#[cfg(test)]
mod tests;

/// How many evaluations of groups are replayed at most.
const MAX_EVALUATIONS: i64 = 10_000_000;

/// How many milliseconds are replayed at least, where a server is asked.
const HOUR: i64 = 3_600_000;

/// Say why an alert was firing, pending or absent.
///
/// The rules are replayed as `backtest` does, until the instant that is asked about. Then the expression
/// is asked part by part: which comparison does not hold, which condition no series fits, since when a
/// series is gone, which label changed.
///
/// Samples come from a page, as for `backtest`, or from a server. Of a server, what its recording rules wrote
/// is taken as it is there, and only the rule of the alert is replayed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  skopos rules why --rules alerts.yml --alert HighCPUUsage --file yesterday.prom
  skopos rules why --rules alerts.yml --alert HighCPUUsage --labels instance=web-1,severity=warning \\
    --at 2024-05-01T12:00:00Z --url http://localhost:9090

Exit codes: 0 there is an answer, 1 something could not be read or no alert has this name,
3 rules failed to evaluate.")]
pub(super) struct Arguments {
    /// The rule files
    #[arg(long, required = true, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// The name of the alert
    #[arg(long, value_name = "NAME")]
    alert: String,
    /// Labels that the alert has, among others
    #[arg(long, value_name = "NAME=VALUE,…", value_delimiter = ',', value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// The instant, RFC 3339 or Unix seconds [default: that of the newest sample; of a server, now]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    at: Option<Timestamp>,
    /// Where the replay begins [default: the oldest sample; of a server, an hour and twice what `for`
    /// and `keep_firing_for` ask before the instant]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    from: Option<Timestamp>,
    #[command(flatten)]
    source: Source,
    /// How far apart groups are evaluated that do not say
    #[arg(long, default_value = "1m", value_parser = time::parse_duration)]
    evaluation_interval: i64,
    /// Accept hysteresis and debouncing under `x-skopos` (see `skopos rules export --help`)
    #[arg(long)]
    rule_extensions: bool,
    /// How long a query to a server may take
    #[arg(long, default_value = "2m", value_parser = time::parse_duration)]
    timeout: i64,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// The samples; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The server to ask, with its path prefix if it has one
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A list with an object for each rule of the name, for programs
    Json,
    /// Sentences, for people
    #[default]
    Text,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let (answers, past) = match (&self.source.file, &self.source.url) {
            (Some(path), _) => self.of_page(Page::load(path)?)?,
            (None, Some(url)) => self.of_server(url)?,
            (None, None) => bail!("name a page with --file or a server with --url"),
        };
        if answers.is_empty() {
            bail!("no alerting rule has the name {}", self.alert);
        }
        let text = match self.output {
            Output::Json => serde_json::to_string_pretty(&answers)? + "\n",
            Output::Text => {
                let texts: Vec<String> = answers.iter().map(ToString::to_string).collect();
                texts.join("\n")
            }
        };
        io::stdout().lock().write_all(text.as_bytes())?;
        report::failures(&mut io::stderr().lock(), &past)?;
        Ok(if past.failed == 0 { Outcome::Fine } else { Outcome::Lint })
    }

    fn of_page(&self, page: Page) -> anyhow::Result<(Vec<Why>, Backtest)> {
        let range = range(self.from.unwrap_or(page.oldest()), self.at.unwrap_or(page.newest()))?;
        let head = page.into_head();
        let written = LiveTable::new();
        let engine = Engine::new(Overlay::new(&head, &written), EngineOptions::default());
        let mut groups = self.groups(&engine)?;
        let names = written_by(&groups);
        self.answer(&mut groups, range, &engine, &written, &names)
    }

    fn of_server(&self, url: &Url) -> anyhow::Result<(Vec<Why>, Backtest)> {
        let engine = Server::new(url.clone(), self.timeout);
        let mut groups = Vec::new();
        let defaults = self.defaults();
        let mut longest = 0;
        for state in self.groups(&engine)? {
            let mut group = state.group().clone();
            group.rules.retain(|rule| rule.kind == RuleKind::Alerting && rule.name == self.alert);
            let waits =
                group.rules.iter().map(|rule| rule.hold.saturating_add(rule.keep_firing_for));
            longest = longest.max(waits.max().unwrap_or(0));
            groups.push(GroupState::new(&group, state.file(), defaults, &engine, false)?);
        }
        let at = self.at.unwrap_or_else(|| SystemClock.now());
        let back = longest.saturating_mul(2).saturating_add(HOUR);
        let range = range(self.from.unwrap_or(at.saturating_sub(back)), at)?;
        self.answer(&mut groups, range, &engine, &LiveTable::new(), &[])
    }

    fn defaults(&self) -> GroupDefaults {
        GroupDefaults::default().with_interval(self.evaluation_interval)
    }

    fn groups(&self, engine: &dyn QueryEngine) -> anyhow::Result<Vec<GroupState>> {
        let expander = AlertExpander::new();
        let mut options = LoadOptions::new(engine, &expander);
        if self.rule_extensions {
            options = options.with_extensions(self.evaluation_interval);
        }
        load_groups(&self.rules, &self.rules, self.defaults(), engine, &options)
    }

    /// Replays the rules and asks; `names` are the metrics that the rules write and the engine reads.
    fn answer(
        &self,
        groups: &mut [GroupState],
        range: TimeRange,
        engine: &dyn QueryEngine,
        written: &LiveTable,
        names: &[String],
    ) -> anyhow::Result<(Vec<Why>, Backtest)> {
        let length = range.end.as_millis().saturating_sub(range.start.as_millis());
        let evaluations = |group: &GroupState| length / group.interval();
        let evaluations = groups.iter().map(evaluations).fold(0, i64::saturating_add);
        if MAX_EVALUATIONS < evaluations {
            let from = time::show(range.start);
            bail!("since {from} there are {evaluations} evaluations; name a later time by --from");
        }
        let expander = AlertExpander::new();
        let clock = ManualClock::new(range.start);
        let ahead = Foresight::new(engine, &schedules(groups, range), names);
        let evaluator = Evaluator::new(&ahead, &expander, written, &clock);
        let past = backtest(groups, range, &evaluator, &clock, &mut |_| {});
        let labels = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let question = Question::new(&self.alert, range).with_labels(Labels::from_pairs(labels));
        Ok((why(&question, groups, &past, engine, &Reader), past))
    }
}

fn range(from: Timestamp, at: Timestamp) -> anyhow::Result<TimeRange> {
    if at < from {
        bail!("--at {} is before --from {}", time::show(at), time::show(from));
    }
    Ok(TimeRange::new(from, at))
}

/// Parses `name=value`; the value may be quoted.
fn parse_label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    match name.trim() {
        "" => Err("the label has no name".to_owned()),
        name => Ok((name.to_owned(), unquoted.unwrap_or(value).to_owned())),
    }
}
