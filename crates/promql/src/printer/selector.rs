//! Selectors as text.

use std::fmt::{self, Display, Write as _};

use skopos_core::{MatchOp, Matcher};

use crate::ast::VectorSelector;
use crate::parser::selector::METRIC_NAME;
use crate::printer::{AtSuffix, OffsetSuffix};

impl Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_series(f)?;
        write!(f, "{}", AtSuffix(self.at))?;
        self.write_extension(f)?;
        write!(f, "{}", OffsetSuffix(&self.offset))
    }
}

impl VectorSelector {
    /// The name and the conditions.
    pub(super) fn write_series(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or_default();
        f.write_str(name)?;
        let is_name = |m: &Matcher| {
            !name.is_empty()
                && m.op() == MatchOp::Equal
                && m.name() == METRIC_NAME
                && m.value() == name
        };
        let mut conditions: Vec<String> =
            self.matchers.iter().filter(|m| !is_name(m)).map(ToString::to_string).collect();
        if conditions.is_empty() {
            // Upstream prints nothing for `{}`, which does not parse back.
            return if name.is_empty() { f.write_str("{}") } else { Ok(()) };
        }
        conditions.sort_unstable();
        f.write_char('{')?;
        f.write_str(&conditions.join(","))?;
        f.write_char('}')
    }

    /// `anchored` or `smoothed`, with a space before it.
    pub(super) fn write_extension(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.anchored, self.smoothed) {
            (true, _) => " anchored",
            (false, true) => " smoothed",
            (false, false) => "",
        })
    }
}
