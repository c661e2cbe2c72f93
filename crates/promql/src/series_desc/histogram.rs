//! Native histograms in double braces, and sequences of them.

use std::sync::Arc;

use skopos_core::{FloatHistogram, ResetHint};

use crate::ast::BinaryOp;
use crate::error::Error;
use crate::parser::Context;
use crate::series_desc::{Series, SeriesValue};
use crate::span::Span;
use crate::token::{HistogramWord, Kind, Token};

const KEY: Context =
    Context::new("histogram description", "histogram description key, e.g. buckets:[5 10 7]");

/// What was written between the braces.
#[derive(Default)]
struct Written {
    histogram: FloatHistogram,
    /// Which keys were there, one bit each.
    keys: u16,
    positive_offset: i32,
    negative_offset: i32,
}

impl Written {
    fn finish(self) -> (FloatHistogram, bool) {
        let mut h = self.histogram;
        h.positive_spans = one_span(self.positive_offset, h.positive_buckets.len());
        h.negative_spans = one_span(self.negative_offset, h.negative_buckets.len());
        (h, self.keys & HistogramWord::ResetHint.bit() != 0)
    }
}

fn one_span(offset: i32, len: usize) -> Vec<skopos_core::Span> {
    match u32::try_from(len) {
        Ok(0) | Err(_) => Vec::new(),
        Ok(length) => vec![skopos_core::Span { offset, length }],
    }
}

impl Series<'_> {
    /// A histogram, alone, repeated, or with another one added or subtracted repeatedly.
    pub(super) fn histograms(&mut self) -> Result<(), Error> {
        let (histogram, hint_set) = self.histogram()?;
        let token = self.peek()?;
        let subtract = match token.kind {
            Kind::Operator(BinaryOp::Add) => false,
            Kind::Operator(BinaryOp::Sub) => true,
            _ => {
                let value = SeriesValue::Histogram { histogram: Arc::new(histogram), hint_set };
                let times = self.accept(Kind::Times)?;
                let n = if times { self.count()?.0 } else { 0 };
                return self.repeat_once_more(n, &value);
            }
        };
        self.ahead = None;
        // What the second says of the hint goes for all, as upstream has it.
        let (step, hint_set) = self.histogram()?;
        self.expect(Kind::Times)?;
        let (n, place) = self.count()?;
        self.reserve(n.saturating_add(1))?;
        let mut current = histogram;
        for at in 0..=n {
            if 0 < at {
                self.advance(&mut current, &step, subtract, place)?;
            }
            let histogram = Arc::new(current.clone());
            self.values.push(SeriesValue::Histogram { histogram, hint_set });
        }
        Ok(())
    }

    fn advance(
        &self,
        current: &mut FloatHistogram,
        step: &FloatHistogram,
        subtract: bool,
        place: Span,
    ) -> Result<(), Error> {
        if step.schema < current.schema {
            let message = format!(
                "error combining histograms: cannot merge from schema {} to {}",
                step.schema, current.schema
            );
            return Err(self.parser.error(place, message));
        }
        let combine = if subtract { crate::histogram::sub } else { crate::histogram::add };
        combine(current, step).map(drop).map_err(|_| {
            let message = "cannot apply this operation on histograms with a mix of exponential \
                           and custom bucket schemas";
            self.parser.error(place, message)
        })
    }

    /// One histogram, and whether its hint was written.
    fn histogram(&mut self) -> Result<(FloatHistogram, bool), Error> {
        self.expect(Kind::OpenHistogram)?;
        let mut written = Written::default();
        let first = self.next()?;
        match first.kind {
            Kind::CloseHistogram => return Ok(written.finish()),
            Kind::Space => {
                self.expect(Kind::CloseHistogram)?;
                return Ok(written.finish());
            }
            Kind::HistogramWord(key) if key.is_key() => self.description(key, &mut written)?,
            _ => return Err(self.unexpected(first)),
        }
        loop {
            let mut token = self.next()?;
            let spaced = token.kind == Kind::Space;
            if spaced {
                token = self.next()?;
            }
            match token.kind {
                Kind::CloseHistogram => return Ok(written.finish()),
                Kind::HistogramWord(key) if spaced && key.is_key() => {
                    self.description(key, &mut written)?;
                }
                _ => return Err(self.parser.unexpected_in(token, KEY)),
            }
        }
    }

    /// The value of a key.
    fn description(&mut self, key: HistogramWord, written: &mut Written) -> Result<(), Error> {
        self.expect(Kind::Colon)?;
        let h = &mut written.histogram;
        match key {
            HistogramWord::Buckets => h.positive_buckets = self.numbers()?,
            HistogramWord::Count => h.count = self.signed_number()?,
            HistogramWord::CustomValues => h.custom_values = self.numbers()?.into(),
            HistogramWord::NegativeBuckets => h.negative_buckets = self.numbers()?,
            HistogramWord::NegativeOffset => written.negative_offset = self.integer()?,
            HistogramWord::Offset => written.positive_offset = self.integer()?,
            HistogramWord::ResetHint => h.reset_hint = self.reset_hint()?,
            HistogramWord::Schema => h.schema = self.integer()?,
            HistogramWord::Sum => h.sum = self.signed_number()?,
            HistogramWord::ZeroBucket => h.zero_count = self.signed_number()?,
            HistogramWord::ZeroBucketWidth => h.zero_threshold = self.number()?,
            HistogramWord::Gauge
            | HistogramWord::NotReset
            | HistogramWord::Reset
            | HistogramWord::Unknown => {}
        }
        if written.keys & key.bit() != 0 {
            let message = format!("duplicate key \"{}\" in histogram", key.as_str());
            return Err(self.parser.error(Span::default(), message));
        }
        written.keys |= key.bit();
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "upstream keeps the low 32 bits")]
    fn integer(&mut self) -> Result<i32, Error> {
        let negative = self.accept(Kind::Operator(BinaryOp::Sub))?;
        let value = self.count()?.0 as i32;
        Ok(if negative { value.wrapping_neg() } else { value })
    }

    fn reset_hint(&mut self) -> Result<ResetHint, Error> {
        let token = self.next()?;
        match token.kind {
            Kind::HistogramWord(HistogramWord::Gauge) => Ok(ResetHint::Gauge),
            Kind::HistogramWord(HistogramWord::NotReset) => Ok(ResetHint::NotReset),
            Kind::HistogramWord(HistogramWord::Reset) => Ok(ResetHint::Reset),
            Kind::HistogramWord(HistogramWord::Unknown) => Ok(ResetHint::Unknown),
            _ => Err(self.unexpected(token)),
        }
    }

    /// Numbers in brackets.
    fn numbers(&mut self) -> Result<Vec<f64>, Error> {
        self.expect(Kind::LeftBracket)?;
        let mut numbers = vec![self.signed_number()?];
        loop {
            let token: Token = self.next()?;
            match token.kind {
                Kind::RightBracket => return Ok(numbers),
                Kind::Space if self.accept(Kind::RightBracket)? => return Ok(numbers),
                Kind::Space => numbers.push(self.signed_number()?),
                _ => return Err(self.unexpected(token)),
            }
        }
    }
}
