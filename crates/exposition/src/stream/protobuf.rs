//! Protobuf pages, as many whole messages at a time as are there.

use core::ops::ControlFlow;
use std::io::Read;

use super::Window;
use crate::protobuf::{MAX_LENGTH_BYTES, message_length};
use crate::{Entry, Error, ParserOptions, ProtobufParser};

pub(super) fn for_each<R: Read, B>(
    mut window: Window<R>,
    options: ParserOptions,
    mut visit: impl FnMut(Entry<'_, '_>) -> ControlFlow<B>,
) -> Result<ControlFlow<B>, Error> {
    loop {
        window.fill()?;
        let end = if window.is_last { window.bytes.len() } else { whole_messages(&window)? };
        let messages = window.bytes.get(..end).unwrap_or_default();
        let mut parser = ProtobufParser::new(messages, options);
        while let Some(entry) = parser.next().map_err(|error| error.moved(window.base, 0))? {
            if let ControlFlow::Break(value) = visit(entry.moved(window.base)) {
                return Ok(ControlFlow::Break(value));
            }
        }
        if window.is_last {
            return Ok(ControlFlow::Continue(()));
        }
        window.pass(end);
    }
}

/// Where the last whole message ends; all of the window where a length cannot be read.
fn whole_messages<R: Read>(window: &Window<R>) -> Result<usize, Error> {
    let mut end = 0;
    loop {
        let rest = window.bytes.get(end..).unwrap_or_default();
        let Some((len, len_bytes)) = message_length(rest) else {
            let is_wrong = MAX_LENGTH_BYTES <= rest.len();
            return Ok(if is_wrong { window.bytes.len() } else { end });
        };
        let total = usize::try_from(len).ok().and_then(|len| len.checked_add(len_bytes));
        match total.filter(|total| *total <= window.limit) {
            None if end == 0 => return Err(window.too_long()),
            None => return Ok(end),
            Some(total) if rest.len() < total => return Ok(end),
            Some(total) => end += total,
        }
    }
}
