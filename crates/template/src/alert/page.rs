//! Prometheus' console pages: the functions of alert templates, with escaping for HTML.

use skopos_core::Expansion;

use super::{data, functions::AlertFunctions};
use crate::error::Error;
use crate::html::HtmlTemplate;
use crate::limits::Limits;
use crate::value::Value;

/// Expands pages of HTML with the functions of alert templates, as Prometheus does for consoles.
///
/// ```
/// use skopos_core::{
///     Error, Expansion, Labels, QueryEngine, QueryOutput, QueryRequest, QueryValue, SampleValue,
///     Timestamp,
/// };
/// use skopos_template::HtmlExpander;
///
/// struct NoData;
///
/// impl QueryEngine for NoData {
///     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
///         Ok(QueryOutput::new(QueryValue::Vector(Vec::new())))
///     }
///     fn check(&self, _: &str) -> Result<(), Error> {
///         Ok(())
///     }
///     fn canonical(&self, text: &str) -> Result<String, Error> {
///         Ok(text.to_owned())
///     }
/// }
///
/// let labels = Labels::from_pairs([("job", "<api>")]);
/// let expansion = Expansion {
///     name: "__console_/page.html",
///     labels: &labels,
///     external_labels: &Labels::empty(),
///     external_url: "http://localhost:9090",
///     value: &SampleValue::Float(1.0),
///     t: Timestamp::from_millis(0),
///     engine: &NoData,
/// };
/// let expander = HtmlExpander::new().with_file("prom.lib", r#"{{ define "i" }}<i>{{ . }}</i>{{ end }}"#);
/// let page = r#"{{ template "i" .Labels.job }}<a href="{{ graphLink "up" }}">{{ humanize 1500.0 }}</a>"#;
/// assert_eq!(
///     expander.expand(page, &expansion)?,
///     r#"<i>&lt;api&gt;</i><a href="/graph?g0.expr=up&amp;g0.tab=0">1.5k</a>"#,
/// );
/// # Ok::<(), skopos_template::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HtmlExpander {
    limits: Limits,
    files: Vec<(String, String)>,
}

impl HtmlExpander {
    /// An expander with the default limits, and no files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same with a file of templates that pages may call.
    #[must_use]
    pub fn with_file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.push((name.into(), text.into()));
        self
    }

    /// The page for what is asked, whose labels and value are `.Labels`, `.ExternalLabels`,
    /// `.ExternalURL` and `.Value`.
    ///
    /// # Errors
    ///
    /// Those of [`HtmlTemplate`], in Prometheus' words.
    pub fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, Error> {
        self.expand_over(text, &data(expansion), expansion)
    }

    /// The same over other data, as a console's parameters: of what is asked the functions use the
    /// time, the engine and the URL, and errors the name.
    ///
    /// # Errors
    ///
    /// Those of [`HtmlTemplate`], in Prometheus' words.
    pub fn expand_over(
        &self,
        text: &str,
        data: &Value,
        expansion: &Expansion<'_>,
    ) -> Result<String, Error> {
        let name = expansion.name;
        let functions = AlertFunctions::new(Some(expansion), &self.limits);
        let mut template = HtmlTemplate::parse(name, text, &functions, &self.limits)
            .map_err(|error| error.context(&format!("error parsing template {name}")))?;
        for (file, text) in &self.files {
            template = template.with_file(file, text, &functions).map_err(|error| {
                error.context(&format!("error parsing template files for {name}"))
            })?;
        }
        let out = template
            .execute(data, &functions)
            .map_err(|error| error.context(&format!("error executing template {name}")))?;
        Ok(String::from_utf8(out)
            .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned()))
    }
}
