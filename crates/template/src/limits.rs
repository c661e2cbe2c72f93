//! How much a template may ask for.

/// Bounds on the work of one template, so that a hostile one costs little.
///
/// ```
/// use skopos_template::{ErrorKind, Limits, NoFunctions, Template, Value};
///
/// let limits = Limits::default().with_output_bytes(100);
/// let text = "{{ range 1000000000 }}x{{ end }}";
/// let template = Template::parse("t", text, &NoFunctions, &limits)?;
/// let error = template.execute(&Value::Nil, &NoFunctions).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Limit);
/// # Ok::<(), skopos_template::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) text_bytes: usize,
    pub(crate) output_bytes: usize,
    pub(crate) work_bytes: u64,
    pub(crate) steps: u64,
    pub(crate) queries: u64,
}

/// 1 MiB of text, 4 MiB of output, 64 MiB through functions, a million steps, a thousand queries.
impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 1 << 20,
            output_bytes: 4 << 20,
            work_bytes: 64 << 20,
            steps: 1_000_000,
            queries: 1000,
        }
    }
}

impl Limits {
    /// The same with how long, in bytes, a template's text may be.
    #[must_use]
    pub fn with_text_bytes(self, text_bytes: usize) -> Self {
        Self { text_bytes, ..self }
    }

    /// The same with how long, in bytes, the output and the result of a function may be.
    #[must_use]
    pub fn with_output_bytes(self, output_bytes: usize) -> Self {
        Self { output_bytes, ..self }
    }

    /// The same with how many bytes all functions together may take and give.
    #[must_use]
    pub fn with_work_bytes(self, work_bytes: u64) -> Self {
        Self { work_bytes, ..self }
    }

    /// The same with how many nodes, commands, arguments and iterations there may be.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// The same with how many queries the template of an alert may ask.
    #[must_use]
    pub fn with_queries(self, queries: u64) -> Self {
        Self { queries, ..self }
    }
}
