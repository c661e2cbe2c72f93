//! From the YAML text of a test file to its tests.

use jiff::Timestamp;
use skopos_core::Labels;
use skopos_core::text::Quoted;

use super::{
    AlertTest, ExpectedAlert, ExpectedSample, ExpressionTest, InputSeries, TestCase, TestFile,
};
use crate::error::{LoadError, LoadErrorKind};
use crate::shape::Shape;
use crate::yaml::{self, Child, Node, Value};

/// Milliseconds between evaluations where the file does not say.
const DEFAULT_INTERVAL: i64 = 60_000;

/// Reads a test file from its content: strictly, with the complaints of `promtool`.
///
/// # Errors
///
/// `Syntax`, `Shape` or `Limit` for the text; `Invalid` if a group comes twice in the order of
/// evaluation. The error names no file.
pub fn load(content: &[u8]) -> Result<TestFile, LoadError> {
    let document = yaml::parse(content)?;
    let mut decoder = Decoder { shape: Shape::new(true) };
    let mut file = TestFile {
        rule_files: Vec::new(),
        evaluation_interval: DEFAULT_INTERVAL,
        group_eval_order: Vec::new(),
        fuzzy_compare: false,
        tests: Vec::new(),
    };
    if let Some(root) = &document.root {
        decoder.file(root, &mut file)?;
    }
    decoder.shape.finish()?;
    for test in file.tests.iter_mut().filter(|test| test.interval == 0) {
        test.interval = file.evaluation_interval;
    }
    let mut names = file.group_eval_order.iter().enumerate();
    match names.find(|(i, name)| file.group_eval_order[..*i].contains(name)) {
        Some((_, name)) => {
            let message = format!("group name repeated in evaluation order: {name}");
            Err(LoadError::new(LoadErrorKind::Invalid, message))
        }
        None => Ok(file),
    }
}

struct Decoder {
    shape: Shape,
}

impl Decoder {
    fn file(&mut self, root: &Node, file: &mut TestFile) -> Result<(), LoadError> {
        let name = "main.unitTestFile";
        for (field, key, value) in self.shape.fields(root, name)? {
            match field {
                "rule_files" => file.rule_files = self.strings(value)?,
                "evaluation_interval" => match self.shape.duration(value)? {
                    None | Some(0) => {}
                    Some(interval) => file.evaluation_interval = interval,
                },
                "group_eval_order" => file.group_eval_order = self.strings(value)?,
                "fuzzy_compare" => file.fuzzy_compare = self.shape.boolean(value)?,
                "tests" => file.tests = self.list(value, "main.testGroup", Self::test)?,
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(())
    }

    fn test(&mut self, node: &Node) -> Result<TestCase, LoadError> {
        let name = "main.testGroup";
        let mut test = TestCase::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "name" => test.name = self.shape.text(value)?.text,
                "interval" => test.interval = self.shape.duration(value)?.unwrap_or(0),
                "start_timestamp" => test.start = self.instant(value)?,
                "input_series" => {
                    test.input_series = self.list(value, "main.series", Self::series)?;
                }
                "alert_rule_test" => {
                    test.alert_rule_tests =
                        self.list(value, "main.alertTestCase", Self::alert_test)?;
                }
                "promql_expr_test" => {
                    test.promql_expr_tests =
                        self.list(value, "main.promqlTestCase", Self::expression_test)?;
                }
                "external_labels" => {
                    test.external_labels = Labels::from_pairs(self.shape.texts(value)?);
                }
                "external_url" => test.external_url = self.shape.text(value)?.text,
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(test)
    }

    fn series(&mut self, node: &Node) -> Result<InputSeries, LoadError> {
        let name = "main.series";
        let mut series = InputSeries::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "series" => series.series = self.shape.text(value)?.text,
                "values" => series.values = self.shape.text(value)?.text,
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(series)
    }

    fn alert_test(&mut self, node: &Node) -> Result<AlertTest, LoadError> {
        let name = "main.alertTestCase";
        let mut test = AlertTest::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "eval_time" => test.eval_time = self.shape.duration(value)?.unwrap_or(0),
                "alertname" => test.alert_name = self.shape.text(value)?.text,
                "exp_alerts" => test.expected = self.list(value, "main.alert", Self::alert)?,
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(test)
    }

    fn alert(&mut self, node: &Node) -> Result<ExpectedAlert, LoadError> {
        let name = "main.alert";
        let mut alert = ExpectedAlert::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "exp_labels" => alert.labels = self.shape.texts(value)?.into_iter().collect(),
                "exp_annotations" => {
                    alert.annotations = self.shape.texts(value)?.into_iter().collect();
                }
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(alert)
    }

    fn expression_test(&mut self, node: &Node) -> Result<ExpressionTest, LoadError> {
        let name = "main.promqlTestCase";
        let mut test = ExpressionTest::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "expr" => test.expr = self.shape.text(value)?.text,
                "eval_time" => test.eval_time = self.shape.duration(value)?.unwrap_or(0),
                "exp_samples" => test.expected = self.list(value, "main.sample", Self::sample)?,
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(test)
    }

    fn sample(&mut self, node: &Node) -> Result<ExpectedSample, LoadError> {
        let name = "main.sample";
        let mut sample = ExpectedSample::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "labels" => sample.labels = self.shape.text(value)?.text,
                "value" => sample.value = self.shape.float(value)?,
                "histogram" => sample.histogram = self.shape.text(value)?.text,
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(sample)
    }

    fn list<T>(
        &mut self,
        child: &Child,
        item_type: &str,
        read: fn(&mut Self, &Node) -> Result<T, LoadError>,
    ) -> Result<Vec<T>, LoadError> {
        let items = self.shape.items(&child.node, item_type)?;
        items.map(|item| read(self, item)).collect()
    }

    fn strings(&mut self, child: &Child) -> Result<Vec<String>, LoadError> {
        let Value::List(items) = &child.node.value else {
            // Complains, unless there is nothing.
            return self.shape.items(&child.node, "string").map(|_| Vec::new());
        };
        items.iter().map(|item| Ok(self.shape.text(item)?.text)).collect()
    }

    /// A time: seconds since 1970, or a date with a time.
    fn instant(&mut self, child: &Child) -> Result<i64, LoadError> {
        let text = self.shape.text(child)?.text;
        if text.is_empty() {
            return Ok(0);
        }
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
        let millis = match seconds {
            Some(seconds) => Some((seconds * 1000.0).round() as i64),
            None => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
        };
        millis.ok_or_else(|| {
            let message = format!("cannot parse {} to a valid timestamp", Quoted(&text));
            LoadError::new(LoadErrorKind::Shape, message)
        })
    }
}
