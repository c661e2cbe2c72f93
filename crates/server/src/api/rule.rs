//! The endpoints that show rules and alerts.

use std::collections::BTreeSet;

use skopos_core::text::{FloatStyle, Quoted, format_float};
use xxhash_rust::xxh64::xxh64;

use super::form::Form;
use super::json::Json;
use super::param;
use super::reply::{Failure, Notes};
use super::selector::{self, Conditions};
use super::{Api, Call};
use crate::view::{Alert, Alerting, Group, Rule};

/// `GET /alerts`: everything that is pending or firing.
pub(super) fn alerts(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let groups = api.parts.groups();
    let rules = groups.iter().flat_map(|group| &group.rules);
    let alerts = rules.filter_map(|rule| rule.alerting.as_ref()).flat_map(|a| &a.alerts);
    json.raw("{\"alerts\":").array(alerts, write_alert).raw("}");
    Ok(Notes::none())
}

/// `GET /rules`: groups with their rules, filtered and in pages.
pub(super) fn rules(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    if let Some(error) = call.form.error() {
        return Err(Failure::bad_data(format!("error parsing form values: {error}")));
    }
    let filter = Filter::new(call)?;
    let pages = Pages::new(&call.url)?;
    let mut shown: Vec<(Group, Vec<Rule>)> = Vec::new();
    let mut next = None;
    let mut searching = pages.token.is_some();
    for mut group in api.parts.groups() {
        if searching && pages.token != Some(token(&group)) {
            continue;
        }
        searching = false;
        let rules = filter.apply(&mut group);
        if rules.is_empty() {
            continue;
        }
        if pages.limit.is_some_and(|limit| limit <= shown.len()) {
            next = Some(token(&group));
            break;
        }
        shown.push((group, rules));
    }
    if searching && let Some(token) = pages.token {
        let message = format!("invalid group_next_token '{token}'. were rule groups changed?");
        return Err(Failure::bad_data(message).of_parameter("group_next_token"));
    }
    json.raw("{\"groups\":").array(&shown, |json, (group, rules)| {
        write_group(json, group, rules, filter.with_alerts);
    });
    if let Some(token) = next {
        json.raw(",\"groupNextToken\":").string(&token);
    }
    json.raw("}");
    Ok(Notes::none())
}

/// Which rules are wanted.
struct Filter {
    names: BTreeSet<String>,
    groups: BTreeSet<String>,
    files: BTreeSet<String>,
    alerting: bool,
    recording: bool,
    with_alerts: bool,
    /// One of them must hold, if there are any.
    conditions: Vec<Conditions>,
}

impl Filter {
    fn new(call: &Call) -> Result<Self, Failure> {
        let set = |name| call.form.values(name).map(str::to_owned).collect();
        let sets = selector::parse_all(&call.form)?;
        let kind = call.url.value("type").to_lowercase();
        if !matches!(kind.as_str(), "" | "alert" | "record") {
            let failure = Failure::bad_data(format!("not supported value {}", Quoted(&kind)));
            return Err(failure.of_parameter("type"));
        }
        let exclude = match call.url.value("exclude_alerts").to_lowercase().as_str() {
            "" => false,
            text => param::boolean(text).map_err(|e| {
                e.context("error converting exclude_alerts").of_parameter("exclude_alerts")
            })?,
        };
        Ok(Self {
            names: set("rule_name[]"),
            groups: set("rule_group[]"),
            files: set("file[]"),
            alerting: kind != "record",
            recording: kind != "alert",
            with_alerts: !exclude,
            conditions: sets.iter().map(|m| Conditions::new(m)).collect::<Result<_, _>>()?,
        })
    }

    /// Takes the wanted rules out of a group.
    fn apply(&self, group: &mut Group) -> Vec<Rule> {
        let wanted = |set: &BTreeSet<String>, name: &str| set.is_empty() || set.contains(name);
        if !wanted(&self.groups, &group.name) || !wanted(&self.files, &group.file) {
            return Vec::new();
        }
        let mut rules = std::mem::take(&mut group.rules);
        rules.retain(|rule| {
            let kind = if rule.alerting.is_some() { self.alerting } else { self.recording };
            let labels =
                self.conditions.is_empty() || self.conditions.iter().any(|c| c.hold(&rule.labels));
            kind && labels && wanted(&self.names, &rule.name)
        });
        rules
    }
}

/// Which page is wanted.
struct Pages {
    limit: Option<usize>,
    token: Option<String>,
}

impl Pages {
    fn new(url: &Form) -> Result<Self, Failure> {
        let (limit, token) = (url.value("group_limit"), url.value("group_next_token"));
        if limit.is_empty() {
            if token.is_empty() {
                return Ok(Self { limit: None, token: None });
            }
            let message = "group_limit needs to be present in order to paginate over the groups";
            return Err(Failure::bad_data(message).of_parameter("group_next_token"));
        }
        let invalid = |failure: Failure| {
            let message = failure.message.replacen("strconv.Atoi", "strconv.ParseInt", 1);
            Failure::bad_data(message)
                .context("group_limit needs to be a valid number")
                .of_parameter("group_limit")
        };
        let number = param::integer(limit).map_err(invalid)?;
        let limit = i32::try_from(number).map_err(|_| {
            let quoted = Quoted(limit);
            invalid(Failure::bad_data(format!(
                "strconv.Atoi: parsing {quoted}: value out of range"
            )))
        })?;
        match usize::try_from(limit) {
            Ok(limit) if 0 < limit => {
                let token = (!token.is_empty()).then(|| token.to_owned());
                Ok(Self { limit: Some(limit), token })
            }
            _ => {
                let message = "group_limit needs to be greater than 0";
                Err(Failure::bad_data(message).of_parameter("group_limit"))
            }
        }
    }
}

/// What names the page that begins with a group; clients only give it back.
fn token(group: &Group) -> String {
    format!("{:016x}", xxh64(format!("{};{}", group.file, group.name).as_bytes(), 0))
}

fn write_group(json: &mut Json, group: &Group, rules: &[Rule], with_alerts: bool) {
    json.raw("{\"name\":").string(&group.name);
    json.raw(",\"file\":").string(&group.file);
    json.raw(",\"rules\":").array(rules, |json, rule| write_rule(json, rule, with_alerts));
    json.raw(",\"interval\":").number(group.interval);
    json.raw(",\"limit\":").display(group.limit);
    json.raw(",\"evaluationTime\":").number(group.evaluation_time);
    json.raw(",\"lastEvaluation\":").instant(group.last_evaluation).raw("}");
}

fn write_rule(json: &mut Json, rule: &Rule, with_alerts: bool) {
    match &rule.alerting {
        Some(alerting) => write_alerting(json, rule, alerting, with_alerts),
        None => {
            json.raw("{\"name\":").string(&rule.name);
            json.raw(",\"query\":").string(&rule.query);
            if !rule.labels.is_empty() {
                json.raw(",\"labels\":").labels(&rule.labels);
            }
        }
    }
    json.raw(",\"health\":").string(rule.health);
    if !rule.last_error.is_empty() {
        json.raw(",\"lastError\":").string(&rule.last_error);
    }
    json.raw(",\"evaluationTime\":").number(rule.evaluation_time);
    json.raw(",\"lastEvaluation\":").instant(rule.last_evaluation);
    let kind = if rule.alerting.is_some() { "alerting" } else { "recording" };
    json.raw(",\"type\":").string(kind).raw("}");
}

fn write_alerting(json: &mut Json, rule: &Rule, alerting: &Alerting, with_alerts: bool) {
    json.raw("{\"state\":").string(alerting.state);
    json.raw(",\"name\":").string(&rule.name);
    json.raw(",\"query\":").string(&rule.query);
    json.raw(",\"duration\":").number(alerting.duration);
    json.raw(",\"keepFiringFor\":").number(alerting.keep_firing_for);
    json.raw(",\"labels\":").labels(&rule.labels);
    json.raw(",\"annotations\":").labels(&alerting.annotations);
    json.raw(",\"alerts\":");
    if with_alerts {
        json.array(&alerting.alerts, write_alert);
    } else {
        json.raw("null");
    }
}

fn write_alert(json: &mut Json, alert: &Alert) {
    json.raw("{\"labels\":").labels(&alert.labels);
    json.raw(",\"annotations\":").labels(&alert.annotations);
    json.raw(",\"state\":").string(alert.state);
    json.raw(",\"activeAt\":").instant(Some(alert.active_at));
    if let Some(since) = alert.keep_firing_since {
        json.raw(",\"keepFiringSince\":").instant(Some(since));
    }
    json.raw(",\"value\":").string(&format_float(alert.v, FloatStyle::Exponent)).raw("}");
}
