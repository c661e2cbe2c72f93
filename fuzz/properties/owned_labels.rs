//! Owned labels are the labels whichever samples they are asked of: all, or but some.

use skopos_core::LabelSet as _;
use skopos_exposition::{Entry, PageFormat, PageParser, ParserOptions};

/// Panics where the property does not hold.
pub(crate) fn check(format: PageFormat, page: &[u8], options: ParserOptions) {
    let labels = |asked: usize, is_owned: bool| {
        let (mut count, mut labels) = (0, Vec::new());
        let Ok(mut parser) = PageParser::new(format, page, options) else { return labels };
        while let Ok(Some(entry)) = parser.next() {
            let Entry::Series(mut sample) = entry else { continue };
            count += 1;
            if count % asked == 0 {
                let own =
                    if is_owned { sample.owned_labels() } else { sample.labels().to_labels() };
                labels.push(own);
            }
        }
        labels
    };
    for asked in 1..=3 {
        assert_eq!(labels(asked, true), labels(asked, false));
    }
}
