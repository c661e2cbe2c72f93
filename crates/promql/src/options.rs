//! What a parser accepts beyond the stable language.

/// Which experimental parts of the language are enabled.
///
/// The default is that of Prometheus without `--enable-feature`.
///
/// ```
/// use skopos_promql::{ParseOptions, parse};
///
/// let query = "sort_by_label(foo, \"instance\")";
/// assert!(parse(query, &ParseOptions::default()).is_err());
/// assert!(parse(query, &ParseOptions::default().with_experimental_functions(true)).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParseOptions {
    pub(crate) experimental_functions: bool,
    pub(crate) duration_expr: bool,
    pub(crate) extended_range_selectors: bool,
    pub(crate) binop_fill_modifiers: bool,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            experimental_functions: false,
            duration_expr: true,
            extended_range_selectors: false,
            binop_fill_modifiers: false,
        }
    }
}

impl ParseOptions {
    /// Everything enabled.
    #[must_use]
    pub fn all() -> Self {
        Self {
            experimental_functions: true,
            duration_expr: true,
            extended_range_selectors: true,
            binop_fill_modifiers: true,
        }
    }

    /// The same with experimental functions and aggregations (`promql-experimental-functions`).
    #[must_use]
    pub fn with_experimental_functions(mut self, enabled: bool) -> Self {
        self.experimental_functions = enabled;
        self
    }

    /// The same with arithmetic in durations; on by default.
    #[must_use]
    pub fn with_duration_expr(mut self, enabled: bool) -> Self {
        self.duration_expr = enabled;
        self
    }

    /// The same with `anchored` and `smoothed` (`promql-extended-range-selectors`).
    #[must_use]
    pub fn with_extended_range_selectors(mut self, enabled: bool) -> Self {
        self.extended_range_selectors = enabled;
        self
    }

    /// The same with `fill`, `fill_left` and `fill_right` (`promql-binop-fill-modifiers`).
    #[must_use]
    pub fn with_binop_fill_modifiers(mut self, enabled: bool) -> Self {
        self.binop_fill_modifiers = enabled;
        self
    }
}
