//! `skopos rules backtest`: rules replayed over stored samples with a simulated clock.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use skopos_core::labels::METRIC_NAME;
use skopos_core::{Labels, ManualClock, QueryEngine, TimeRange, Timestamp};
use skopos_promql::{Engine, EngineOptions, LiveTable, Overlay};
use skopos_rules::{
    Backtest, Evaluator, GroupDefaults, GroupState, LoadOptions, RuleKind, backtest, differences,
    load,
};
use skopos_template::AlertExpander;
use skopos_tsdb::Head;

use super::foresight::{Foresight, Schedule, reads_none_of};
use super::report::{self, Output};
use crate::outcome::Outcome;
use crate::query::Page;
use crate::time;

/// Replay rules over stored samples: when would each alert have been pending, firing, resolved?
///
/// The samples are a page of Prometheus text or OpenMetrics in which each sample has its time. Series
/// that the rules record hide those of the same labels in the page.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  skopos rules backtest --rules alerts.yml --file yesterday.prom
  skopos rules backtest --rules old.yml --diff new.yml --file yesterday.prom
  promtool tsdb dump-openmetrics data | skopos rules backtest --rules alerts.yml --file -

Exit codes: 0 the rules were replayed, 1 something could not be read, 3 rules failed to evaluate.")]
pub(super) struct Arguments {
    /// The rule files
    #[arg(long, required = true, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Rule files that are replayed too, to show what they would change
    #[arg(long, value_name = "FILE")]
    diff: Vec<PathBuf>,
    /// The samples; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The first time, RFC 3339 or Unix seconds [default: that of the oldest sample]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    from: Option<Timestamp>,
    /// The last time [default: that of the newest sample]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    to: Option<Timestamp>,
    /// How far apart groups are evaluated that do not say
    #[arg(long, default_value = "1m", value_parser = time::parse_duration)]
    evaluation_interval: i64,
    /// Accept hysteresis and debouncing under `x-skopos` (see `skopos rules export --help`)
    #[arg(long)]
    rule_extensions: bool,
    /// The form of the result
    #[arg(long, value_enum, default_value_t)]
    output: OutputForm,
}

/// The metrics that tell the state of alerts.
const STATE_METRICS: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputForm {
    /// An object, for programs
    Json,
    /// A line an incident, for people
    #[default]
    Text,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let page = Page::load(&self.file)?;
        let from = self.from.unwrap_or(page.oldest());
        let to = self.to.unwrap_or(page.newest());
        if to < from {
            bail!("--to {} is before --from {}", time::show(to), time::show(from));
        }
        let range = TimeRange::new(from, to);
        let head = page.into_head();
        let result = self.replay(&self.rules, &head, range)?;
        let failed = result.failed != 0;
        let output = match self.output {
            OutputForm::Json => Output::Json,
            OutputForm::Text => Output::Text,
        };
        let mut out = io::stdout().lock();
        if self.diff.is_empty() {
            out.write_all(report::incidents(&result, range, output).as_bytes())?;
        } else {
            let other = self.replay(&self.diff, &head, range)?;
            let found = differences(&result.incidents, &other.incidents);
            out.write_all(report::differences(&found, output).as_bytes())?;
        }
        report::failures(&mut io::stderr().lock(), &result)?;
        Ok(if failed { Outcome::Lint } else { Outcome::Fine })
    }

    /// Replays the rules of some files.
    fn replay(&self, paths: &[PathBuf], head: &Head, range: TimeRange) -> anyhow::Result<Backtest> {
        let written = LiveTable::new();
        let engine = Engine::new(Overlay::new(head, &written), EngineOptions::default());
        let expander = AlertExpander::new();
        let defaults = GroupDefaults::default().with_interval(self.evaluation_interval);
        let mut options = LoadOptions::new(&engine, &expander);
        if self.rule_extensions {
            options = options.with_extensions(self.evaluation_interval);
        }
        let mut groups = load_groups(paths, &self.rules, defaults, &engine, &options)?;
        let ahead = Foresight::new(&engine, &schedules(&groups, range), &written_by(&groups));
        let clock = ManualClock::new(range.start);
        let evaluator = Evaluator::new(&ahead, &expander, &written, &clock)
            .with_state_series(may_read_states(&groups));
        let mut progress = Progress::new(range);
        let result = backtest(&mut groups, range, &evaluator, &clock, &mut |t| progress.show(t));
        progress.clear();
        Ok(result)
    }
}

/// The groups of some files before their first evaluation. When a group is evaluated depends on its file's
/// name, for which the names of `slots` are taken: of two versions of a file they are the same.
pub(super) fn load_groups(
    paths: &[PathBuf],
    slots: &[PathBuf],
    defaults: GroupDefaults,
    engine: &dyn QueryEngine,
    options: &LoadOptions<'_>,
) -> anyhow::Result<Vec<GroupState>> {
    let mut groups = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        let name = path.display().to_string();
        let slot_name = slots.get(i).unwrap_or(path).display().to_string();
        let content = fs::read(path).with_context(|| format!("cannot read {name}"))?;
        let file = load(&content, &name, options).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(|error| format!("{error:#}")).collect();
            anyhow::anyhow!("{}", errors.join("\n"))
        })?;
        for group in &file.groups {
            groups.push(GroupState::new(group, &slot_name, defaults, engine, false)?);
        }
    }
    Ok(groups)
}

/// Whether a rule may read the series that tell the state of alerts.
fn may_read_states(groups: &[GroupState]) -> bool {
    let rules = || groups.iter().flat_map(|group| &group.group().rules);
    // Templates may ask queries of their own.
    let asks = rules().any(|rule| rule.labels.values().any(|text| text.contains("query")));
    asks || rules().any(|rule| !reads_none_of(&rule.expr, &STATE_METRICS))
}

/// When each rule's expression will be asked.
pub(super) fn schedules(groups: &[GroupState], range: TimeRange) -> Vec<(String, Schedule)> {
    let mut schedules = Vec::new();
    for group in groups {
        let offset = group.query_offset();
        let schedule = Schedule {
            first: group.next_evaluation(range.start.saturating_sub(1)).saturating_sub(offset),
            last: range.end.saturating_sub(offset),
            interval: group.interval(),
        };
        schedules.extend(group.view().rules.into_iter().map(|rule| (rule.query, schedule)));
    }
    schedules
}

/// The metrics that rules write.
pub(super) fn written_by(groups: &[GroupState]) -> Vec<String> {
    let rules = groups.iter().flat_map(|group| &group.group().rules);
    let recorded = rules.filter(|rule| rule.kind == RuleKind::Recording);
    // A label may name another metric than the rule does.
    let names = recorded.flat_map(|rule| {
        rule.labels.get(METRIC_NAME).into_iter().chain([&rule.name]).cloned().collect::<Vec<_>>()
    });
    names.chain(STATE_METRICS.map(str::to_owned)).collect()
}

/// A line on the terminal that says how far it is.
struct Progress {
    range: TimeRange,
    shown: Option<i64>,
    to_terminal: bool,
}

impl Progress {
    fn new(range: TimeRange) -> Self {
        Self { range, shown: None, to_terminal: io::stderr().is_terminal() }
    }

    fn show(&mut self, t: Timestamp) {
        if !self.to_terminal {
            return;
        }
        let length = (self.range.end - self.range.start).max(1);
        let percent = (t - self.range.start).saturating_mul(100) / length;
        if self.shown != Some(percent) {
            self.shown = Some(percent);
            let filled = "█".repeat(percent as usize / 4);
            let _ = write!(io::stderr(), "\r{filled:░<25} {percent} % {}", time::show(t));
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

/// The labels without the alert's name, which stands before them.
pub(super) fn other_labels(labels: &Labels) -> Labels {
    labels.filtered(|name| name != skopos_core::labels::ALERT_NAME)
}
