//! Incidents and differences, for people and for programs.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value as Json, json};
use skopos_core::{TimeRange, Timestamp, duration};
use skopos_rules::{Backtest, Difference, Incident};

use super::backtest::other_labels;
use crate::time;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Json,
    Text,
}

/// How many characters a picture of the whole time has.
const PICTURE: usize = 60;

/// All incidents, and how often was evaluated.
pub(super) fn incidents(result: &Backtest, range: TimeRange, output: Output) -> String {
    if output == Output::Json {
        let incidents: Vec<Json> = result.incidents.iter().map(to_json).collect();
        let document = json!({
            "incidents": incidents,
            "evaluations": result.evaluations,
            "failedRuleEvaluations": result.failed,
        });
        return format!("{document:#}\n");
    }
    let mut text = pictures(result, range);
    for incident in &result.incidents {
        let _ = writeln!(text, "{}", line(incident));
    }
    let incidents = counted(result.incidents.len() as u64, "incident");
    let evaluations = counted(result.evaluations, "evaluation");
    let _ = writeln!(text, "{incidents} in {evaluations} of groups");
    text
}

/// A number with its noun.
fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// What differs, with `-` for what is gone, `+` for what is new and `~` for what moved.
pub(super) fn differences(found: &[Difference], output: Output) -> String {
    if output == Output::Json {
        let found: Vec<Json> = found.iter().map(difference_to_json).collect();
        return format!("{:#}\n", Json::Array(found));
    }
    let mut text = String::new();
    for difference in found {
        let _ = match difference {
            Difference::Gone(incident) => writeln!(text, "- {}", line(incident)),
            Difference::New(incident) => writeln!(text, "+ {}", line(incident)),
            Difference::Moved(before, after) => {
                writeln!(text, "~ {}\n  {}", line(before), line(after))
            }
            _ => Ok(()),
        };
    }
    let _ = writeln!(text, "{}", counted(found.len() as u64, "difference"));
    text
}

/// The rules that failed.
pub(super) fn failures(err: &mut impl io::Write, result: &Backtest) -> io::Result<()> {
    for (t, rule, why) in &result.failures {
        writeln!(err, "{} {rule}: {why}", time::show(*t))?;
    }
    match result.failed {
        0 => Ok(()),
        failed => writeln!(err, "{} of rules failed", counted(failed, "evaluation")),
    }
}

fn line(incident: &Incident) -> String {
    let (pending, firing) = (incident.pending_at, incident.firing_at);
    let mut text =
        format!("{} {}{}", time::show(pending), incident.alert(), other_labels(&incident.labels));
    let lasted = |from: Timestamp, to: Timestamp| duration::format(to - from);
    let end = match incident.over_at {
        Some(over) => format!("until {}", time::show(over)),
        None => "until the end".to_owned(),
    };
    let _ = match (firing, incident.over_at) {
        (None, Some(over)) => write!(text, ": pending for {}, never fired", lasted(pending, over)),
        (None, None) => write!(text, ": pending {end}"),
        (Some(firing), _) if firing == pending => write!(text, ": fired at once, {end}"),
        (Some(firing), _) => write!(text, ": fired after {}, {end}", lasted(pending, firing)),
    };
    match incident.min_value == incident.max_value {
        true => text + &format!(", value {}", incident.min_value),
        false => text + &format!(", values {} to {}", incident.min_value, incident.max_value),
    }
}

/// For each alert a line of the whole time: `·` quiet, `▒` pending, `█` firing.
fn pictures(result: &Backtest, range: TimeRange) -> String {
    let mut names: Vec<&str> = result.incidents.iter().map(Incident::alert).collect();
    names.sort_unstable();
    names.dedup();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for name in names {
        let mut picture = ['·'; PICTURE];
        for incident in result.incidents.iter().filter(|incident| incident.alert() == name) {
            let end = incident.over_at.unwrap_or(range.end);
            let firing = incident.firing_at.unwrap_or(end);
            for (from, to, mark) in [(incident.pending_at, firing, '▒'), (firing, end, '█')] {
                let covered = cell(from, range)..=cell(to.max(from + 1) - 1, range);
                let is_part = from < to;
                for place in picture.iter_mut().take(*covered.end() + 1).skip(*covered.start()) {
                    if is_part && *place != '█' {
                        *place = mark;
                    }
                }
            }
        }
        let _ = writeln!(text, "{name:width$} {}", picture.iter().collect::<String>());
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Which part of the picture a time falls into.
fn cell(t: Timestamp, range: TimeRange) -> usize {
    let length = (range.end - range.start).max(1);
    let since = (t - range.start).clamp(0, length);
    ((since as f64 / length as f64 * PICTURE as f64) as usize).min(PICTURE - 1)
}

fn to_json(incident: &Incident) -> Json {
    let labels: serde_json::Map<String, Json> =
        incident.labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "group": incident.group,
        "labels": labels,
        "pendingAt": time::show(incident.pending_at),
        "firingAt": incident.firing_at.map(time::show),
        "overAt": incident.over_at.map(time::show),
        "firstValue": incident.first_value.to_string(),
        "minValue": incident.min_value.to_string(),
        "maxValue": incident.max_value.to_string(),
    })
}

fn difference_to_json(difference: &Difference) -> Json {
    match difference {
        Difference::Gone(incident) => json!({"kind": "gone", "before": to_json(incident)}),
        Difference::New(incident) => json!({"kind": "new", "after": to_json(incident)}),
        Difference::Moved(before, after) => {
            json!({"kind": "moved", "before": to_json(before), "after": to_json(after)})
        }
        _ => Json::Null,
    }
}
