//! Lints beyond `promtool`'s: which are on, and who reads the expressions for them.

use anyhow::anyhow;
use clap::Args;
use skopos_promql::lint::{
    Code as QueryCode, LintOptions as QueryOptions, is_instantaneous, labels_of, lint,
    selected_metrics,
};
use skopos_promql::{ParseOptions, parse};
use skopos_rules::lint::{
    Code as RuleCode, Examined, ExpressionAdvice, ExpressionAdvisor, Finding, KnownLabels,
    LintOptions as RuleOptions, lint_file,
};
use skopos_rules::{RuleFile, RuleKind};

use crate::time;

/// Choices of `--lint=extended`.
#[derive(Clone, Debug, Args)]
pub(in crate::check) struct Choices {
    /// Turn a lint on, by its code; implies --lint=extended
    #[arg(long, value_name = "CODE")]
    enable_lint: Vec<String>,
    /// Turn a lint off; implies --lint=extended
    #[arg(long, value_name = "CODE")]
    disable_lint: Vec<String>,
    /// List the codes of all lints, and check nothing
    #[arg(long)]
    pub(in crate::check) lint_list: bool,
    /// Time between scrapes, for --lint=extended
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "15s",
        value_parser = time::parse_duration
    )]
    scrape_interval: i64,
    /// Time between evaluations of groups that do not say, for --lint=extended
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "1m",
        value_parser = time::parse_duration
    )]
    evaluation_interval: i64,
}

impl Choices {
    /// Whether a lint is named.
    pub(in crate::check) fn names_any(&self) -> bool {
        !self.enable_lint.is_empty() || !self.disable_lint.is_empty()
    }

    /// The lints as they were chosen.
    pub(in crate::check) fn adviser(&self, parse: ParseOptions) -> anyhow::Result<Adviser> {
        let mut adviser = Adviser {
            parse,
            queries: QueryOptions::default().with_scrape_interval(self.scrape_interval),
            rules: RuleOptions::default().with_evaluation_interval(self.evaluation_interval),
        };
        let on = self.enable_lint.iter().map(|code| (code, true));
        for (code, on) in on.chain(self.disable_lint.iter().map(|code| (code, false))) {
            match (QueryCode::find(code), RuleCode::find(code)) {
                (Some(code), _) => adviser.queries = adviser.queries.with(code, on),
                (_, Some(code)) => adviser.rules = adviser.rules.with(code, on),
                _ => return Err(anyhow!("no lint '{code}', see --lint-list")),
            }
        }
        Ok(adviser)
    }
}

/// All codes with what they find, a line each.
pub(in crate::check) fn list() -> String {
    let queries = QueryCode::ALL.iter().map(|c| (c.as_str(), c.is_default(), c.summary()));
    let rules = RuleCode::ALL.iter().map(|c| (c.as_str(), c.is_default(), c.summary()));
    let mut lines: Vec<_> = queries.chain(rules).collect();
    lines.sort_unstable();
    let line = |(code, on, summary): &(&str, bool, &str)| {
        let state = if *on { "on" } else { "off" };
        format!("{code:<26} {state:<3}  {summary}\n")
    };
    lines.iter().map(line).collect()
}

/// Gives advice about rule files.
pub(in crate::check) struct Adviser {
    parse: ParseOptions,
    queries: QueryOptions<'static>,
    rules: RuleOptions,
}

impl Adviser {
    /// What is advised against in a file that was loaded from `source`.
    pub(in crate::check) fn advise(&self, file: &RuleFile, source: &str) -> Vec<Finding> {
        lint_file(file, source, self, &self.rules)
    }
}

impl ExpressionAdvisor for Adviser {
    fn examine(&self, expr: &str, kind: RuleKind) -> Option<Examined> {
        let expr = parse(expr, &self.parse).ok()?;
        let options = self.queries.for_alert(kind == RuleKind::Alerting);
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let labels = labels_of(&expr);
        let mut examined = Examined::default();
        examined.labels = KnownLabels::new(labels.only().map(owned), owned(labels.never()));
        examined.metrics = owned(&selected_metrics(&expr));
        examined.is_instantaneous = is_instantaneous(&expr);
        let advice = lint(&expr, &options).into_iter().map(|advice| {
            let (code, remedy) = (advice.code.as_str(), advice.remedy());
            ExpressionAdvice::new(code, advice.span.start as usize, advice.reason, remedy)
        });
        examined.advice = advice.collect();
        Some(examined)
    }
}
