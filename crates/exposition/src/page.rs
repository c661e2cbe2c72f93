//! One parser for pages of every format, where the format is known at run time only.

use alloc::boxed::Box;

use crate::{Entry, Error, Layout, PageFormat, Parser, ParserOptions};

/// A pull parser over a page in a format that was chosen at run time, as by
/// [`choose_format`](crate::choose_format).
///
/// ```
/// use skopos_exposition::{Entry, PageParser, ParserOptions, choose_format};
///
/// let format = choose_format("text/plain", None)?.format;
/// let mut parser = PageParser::new(format, b"up 1\n", ParserOptions::default())?;
/// while let Some(entry) = parser.next()? {
///     let Entry::Series(sample) = entry else { continue };
///     assert_eq!(sample.value(), 1.0);
/// }
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Debug)]
pub struct PageParser<'a> {
    inner: Inner<'a>,
}

#[derive(Debug)]
enum Inner<'a> {
    #[cfg(feature = "protobuf")]
    Protobuf(Box<crate::ProtobufParser<'a>>),
    Text(Box<Parser<'a>>),
}

impl<'a> PageParser<'a> {
    /// A parser at the beginning of `page`.
    ///
    /// # Errors
    ///
    /// `Unsupported` for protobuf where the crate was built without the feature `protobuf`.
    pub fn new(format: PageFormat, page: &'a [u8], options: ParserOptions) -> Result<Self, Error> {
        let inner = match format {
            PageFormat::Text(format) => Inner::Text(Box::new(Parser::new(format, page, options))),
            #[cfg(feature = "protobuf")]
            PageFormat::Protobuf => {
                Inner::Protobuf(Box::new(crate::ProtobufParser::new(page, options)))
            }
            #[cfg(not(feature = "protobuf"))]
            PageFormat::Protobuf => {
                let message = "the protobuf exposition format is not part of this build";
                return Err(Error::new(crate::ErrorKind::Unsupported, message.into()));
            }
        };
        Ok(Self { inner })
    }

    /// The same, with the layout of the page before and for the next one: see
    /// [`Parser::with_layout`]. A protobuf page has none, and leaves none.
    ///
    /// ```
    /// use skopos_exposition::{Entry, Layout, PageFormat, PageParser, ParserOptions, TextFormat};
    ///
    /// let mut layout = Layout::new();
    /// let mut known = |page: &[u8]| {
    ///     let (format, options) = (PageFormat::Text(TextFormat::Prometheus), ParserOptions::default());
    ///     let mut parser = PageParser::with_layout(format, page, options, &mut layout)?;
    ///     let mut known = Vec::new();
    ///     while let Some(entry) = parser.next()? {
    ///         let Entry::Series(sample) = entry else { continue };
    ///         known.push(sample.known_slot());
    ///     }
    ///     Ok::<_, skopos_exposition::Error>(known)
    /// };
    /// assert_eq!(known(b"up 1\n")?, [None]);
    /// assert_eq!(known(b"up 0\n")?, [Some(0)]);
    /// # Ok::<(), skopos_exposition::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); the layout is as it was then.
    pub fn with_layout(
        format: PageFormat,
        page: &'a [u8],
        options: ParserOptions,
        layout: &'a mut Layout,
    ) -> Result<Self, Error> {
        let PageFormat::Text(format) = format else {
            let parser = Self::new(format, page, options)?;
            *layout = Layout::new();
            return Ok(parser);
        };
        let parser = Parser::with_layout(format, page, options, layout);
        Ok(Self { inner: Inner::Text(Box::new(parser)) })
    }

    /// The next entry; nothing at the end of the page.
    ///
    /// # Errors
    ///
    /// Where the page is wrong, with the place. Entries before that were given and may have been used.
    #[expect(clippy::should_implement_trait, reason = "an entry borrows from the parser")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Entry<'_, 'a>>, Error> {
        match &mut self.inner {
            #[cfg(feature = "protobuf")]
            Inner::Protobuf(parser) => parser.next(),
            Inner::Text(parser) => parser.next(),
        }
    }
}
