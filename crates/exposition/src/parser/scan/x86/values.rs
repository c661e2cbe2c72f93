//! The values of a window's lines by AVX-512: in steps over all of them, sixteen at a time.
//!
//! A line's value is a few bytes, and what it takes to read one is a long chain of operations, each of
//! which waits for the one before. So each step is done for all lines before the next one, without a
//! branch that depends on what numbers look like: first the masks of each token's bytes, then what
//! these say of sixteen tokens, then the digits of each, then the numbers of eight.
//!
//! Only usual numbers of at most 16 digits are read so; a little longer ones are read singly, and all
//! others are left to whoever reads the line.

use alloc::vec::Vec;
use core::arch::x86_64::{
    __m512d, __m512i, _bzhi_u32, _mm512_abs_epi32, _mm512_abs_epi64, _mm512_add_epi8,
    _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_andnot_si512, _mm512_castpd_si512,
    _mm512_castsi512_pd, _mm512_castsi512_si256, _mm512_cmpeq_epi8_mask, _mm512_cmpeq_epi32_mask,
    _mm512_cmpge_epi8_mask, _mm512_cmpgt_epi32_mask, _mm512_cmpgt_epu64_mask,
    _mm512_cmple_epi8_mask, _mm512_cmplt_epi64_mask, _mm512_cmplt_epu8_mask, _mm512_cvtepi32_epi64,
    _mm512_cvtepi64_pd, _mm512_extracti64x4_epi64, _mm512_lzcnt_epi32, _mm512_madd_epi16,
    _mm512_maddubs_epi16, _mm512_mask_div_pd, _mm512_mask_mov_epi64, _mm512_mask_or_epi64,
    _mm512_mask_permutexvar_pd, _mm512_mask_sub_epi8, _mm512_mask_sub_epi32,
    _mm512_maskz_compress_epi16, _mm512_maskz_mov_epi32, _mm512_maskz_permutex2var_epi8,
    _mm512_maskz_set1_epi32, _mm512_movepi16_mask, _mm512_mul_epu32, _mm512_mul_pd,
    _mm512_or_si512, _mm512_packus_epi32, _mm512_permutex2var_pd, _mm512_permutexvar_epi64,
    _mm512_popcnt_epi32, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_setr_epi64, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4,
    _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_srli_epi64, _mm512_sub_epi8,
    _mm512_sub_epi32, _mm512_test_epi32_mask, _mm512_test_epi64_mask, _mm512_xor_si512,
};

use super::super::{Index, UNUSUAL, WINDOW, Window};
use super::{load, store};
use crate::number::avx512::{CHUNK, number_of};
use crate::number::{EXACT, POWERS};

/// How many tokens there are in a group.
const TOKENS: usize = 16;

/// The greatest exponent of which the power is exact.
const MOST_EXPONENT: i32 = 22;

/// A group of tokens, and what is known of them.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Tokens {
    text: [[u8; CHUNK]; TOKENS],
    len: [u32; TOKENS],
    /// The last four bytes, and others before those of a shorter token.
    last: [u32; TOKENS],
    /// A bit for each byte of two tokens.
    digit: [u64; TOKENS / 2],
    point: [u64; TOKENS / 2],
    minus: [u64; TOKENS / 2],
    /// Three bytes: where the mantissa ends and its point is, counted from the first of four tokens, and
    /// how many digits there are.
    places: [u32; TOKENS],
    exponent: [i32; TOKENS],
    /// A bit for each token: whether it is negative, no usual number, one that is too long for a step.
    negative: u16,
    wrong: u16,
    long: u16,
}

/// What the steps write.
#[derive(Debug, Default)]
pub(super) struct Steps {
    tokens: Vec<Tokens>,
    /// For each usual line, which mark its line feed is.
    usual: Vec<u16>,
}

impl Steps {
    /// Steps for so many lines, or some more.
    pub(super) fn new(lines: usize) -> Self {
        let tokens = alloc::vec![Tokens::default(); lines.div_ceil(TOKENS)];
        Self { tokens, usual: alloc::vec![0; lines + 32] }
    }
}

/// Reads what stands in the place of the value on each of the first usual lines; it is NaN where that
/// is not a usual number.
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq,bmi1,bmi2,popcnt"
)]
pub(super) fn read(steps: &mut Steps, window: &Window, index: &mut Index) {
    let Steps { tokens, usual } = steps;
    let count = usual_lines(&index.lines, index.line_count, usual);
    let lines = usual.get(..count).unwrap_or_default();
    // Usually all lines have a timestamp, or none has.
    index.is_timed = lines.first().is_some_and(|&last| is_timed(window, &index.marks, last));
    let groups = tokens.iter_mut().zip(lines.chunks(TOKENS));
    let count = groups.len();
    for (tokens, lines) in groups {
        for lane in 0..TOKENS {
            let Some(&last) = lines.get(lane) else { break };
            let first = usize::from(last).wrapping_sub(1 + usize::from(index.is_timed));
            tokens.find(lane, window, index.marks.get(first..));
        }
    }
    let groups = tokens.get_mut(..count).unwrap_or_default();
    groups.iter_mut().for_each(|tokens| classify(tokens));
    groups.iter_mut().for_each(|tokens| judge(tokens));
    for (tokens, values) in groups.iter_mut().zip(index.values.as_chunks_mut::<TOKENS>().0) {
        convert(tokens, values);
        read_long(tokens, values);
    }
}

/// Writes which of the first `count` lines are usual ones, and gives how many there are.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
fn usual_lines(lines: &[u16], count: usize, usual: &mut [u16]) -> usize {
    let mut found = 0;
    for start in (0..count).step_by(32) {
        let chunk = lines.get(start..).and_then(<[u16]>::first_chunk::<32>);
        let out = usual.get_mut(found..).and_then(<[u16]>::first_chunk_mut::<32>);
        let (Some(chunk), Some(out)) = (chunk, out) else { break };
        let chunk = load(chunk);
        let is_usual = _bzhi_u32(!_mm512_movepi16_mask(chunk), (count - start).min(32) as u32);
        if cfg!(miri) {
            // It does not know the instruction.
            let set = lines.iter().skip(start).take(32).filter(|line| **line & UNUSUAL == 0);
            out.iter_mut().zip(set).for_each(|(out, line)| *out = *line);
        } else {
            store(out, _mm512_maskz_compress_epi16(is_usual, chunk));
        }
        found += is_usual.count_ones() as usize;
    }
    found
}

/// Whether two spaces stand on the line that ends with a certain mark, the last ones of it.
fn is_timed(window: &Window, marks: &[u16], last: u16) -> bool {
    let before = usize::from(last).checked_sub(2).and_then(|before| marks.get(before));
    before.is_some_and(|&before| window.get(usize::from(before)) == Some(&b' '))
}

impl Tokens {
    /// Takes the token between two marks.
    #[inline]
    fn find(&mut self, lane: usize, window: &Window, marks: Option<&[u16]>) {
        let marks = marks.and_then(<[u16]>::first_chunk::<2>).copied().unwrap_or_default();
        let [start, end] = marks.map(usize::from);
        let (first, last) = ((start + 1) % WINDOW, end.wrapping_sub(4) % WINDOW);
        if let (Some(text), Some(bytes)) =
            (self.text.get_mut(lane), window.get(first..first + CHUNK))
        {
            text.copy_from_slice(bytes);
        }
        if let (Some(word), Some(bytes)) =
            (self.last.get_mut(lane), window.get(last..).and_then(<[u8]>::first_chunk))
        {
            *word = u32::from_le_bytes(*bytes);
        }
        if let Some(len) = self.len.get_mut(lane) {
            // Without marks this is beyond all lengths.
            *len = (end as u32).wrapping_sub(start as u32 + 1);
        }
    }
}

/// Makes masks of the tokens' bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn classify(tokens: &mut Tokens) {
    let Tokens { text, digit, point, minus, .. } = tokens;
    let pairs = text.as_flattened().as_chunks::<{ 2 * CHUNK }>().0;
    for (((pair, digit), point), minus) in pairs.iter().zip(digit).zip(point).zip(minus) {
        let text = load(pair);
        let values = _mm512_sub_epi8(text, _mm512_set1_epi8(b'0' as i8));
        *digit = _mm512_cmplt_epu8_mask(values, _mm512_set1_epi8(10));
        *point = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'.' as i8));
        *minus = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'-' as i8));
    }
}

/// Finds out which tokens are usual numbers, where their digits are, and their exponents.
///
/// A usual number has neither a point first or last nor more than one, and perhaps an exponent of two
/// digits.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq,bmi1,bmi2,popcnt"
)]
fn judge(tokens: &mut Tokens) {
    /// Where each of four tokens begins.
    const FIRST: [u32; TOKENS] = [0, 32, 64, 96, 0, 32, 64, 96, 0, 32, 64, 96, 0, 32, 64, 96];
    const PLUS: i32 = u16::from_le_bytes(*b"e+") as i32;
    const MINUS: i32 = u16::from_le_bytes(*b"e-") as i32;
    const MOST_DIGITS: i32 = 16;
    const MOST_LONG_DIGITS: i32 = 19;
    let all = |value| _mm512_set1_epi32(value);
    let (len, last) = (load(&tokens.len), load(&tokens.last));
    let letter = _mm512_and_si512(_mm512_or_si512(last, all(0x20)), all(0xffff));
    let is_below = _mm512_cmpeq_epi32_mask(letter, all(MINUS));
    let is_raised = (is_below | _mm512_cmpeq_epi32_mask(letter, all(PLUS)))
        & _mm512_cmpgt_epi32_mask(len, all(4));
    // Ten times the third byte and the fourth, in the upper half.
    let tens = _mm512_maddubs_epi16(_mm512_and_si512(last, all(0x0f0f_0000)), all(0x010a_0000));
    let magnitude = _mm512_srli_epi32::<16>(tens);
    let written = _mm512_maskz_mov_epi32(is_raised, magnitude);
    let written = _mm512_mask_sub_epi32(written, is_raised & is_below, all(0), magnitude);

    let end = _mm512_mask_sub_epi32(len, is_raised, len, all(4));
    let after = _mm512_sllv_epi32(all(-1), end);
    let digit = load(&tokens.digit);
    let kept = _mm512_andnot_si512(after, digit);
    let point = _mm512_andnot_si512(after, load(&tokens.point));
    let minus = _mm512_and_si512(load(&tokens.minus), all(1));
    // An exponent's letter and sign are no digits, and the rest of it is digits.
    let signs = _mm512_sllv_epi32(_mm512_maskz_set1_epi32(is_raised, 3), end);
    let others = _mm512_or_si512(_mm512_or_si512(minus, point), signs);
    let not_others = _mm512_or_si512(digit, _mm512_sllv_epi32(all(-1), len));
    let edges = _mm512_or_si512(
        _mm512_sllv_epi32(all(1), minus),
        _mm512_sllv_epi32(all(1), _mm512_sub_epi32(end, all(1))),
    );
    let up_to_point = _mm512_sub_epi32(point, all(1));
    let strange = _mm512_xor_si512(_mm512_andnot_si512(not_others, all(-1)), others);
    let wrong = _mm512_or_si512(
        _mm512_or_si512(strange, _mm512_andnot_si512(kept, edges)),
        _mm512_and_si512(point, up_to_point),
    );

    let count = _mm512_popcnt_epi32(kept);
    let behind = _mm512_popcnt_epi32(_mm512_andnot_si512(up_to_point, kept));
    let exponent = _mm512_sub_epi32(written, behind);
    let wrong = _mm512_test_epi32_mask(wrong, wrong)
        | _mm512_cmpgt_epi32_mask(len, all(CHUNK as i32 - 1))
        | _mm512_cmpgt_epi32_mask(_mm512_abs_epi32(exponent), all(MOST_EXPONENT));
    let many = _mm512_cmpgt_epi32_mask(count, all(MOST_DIGITS));
    tokens.wrong = wrong | many;
    tokens.long = many & !wrong & !_mm512_cmpgt_epi32_mask(count, all(MOST_LONG_DIGITS));
    tokens.negative = _mm512_test_epi32_mask(minus, minus);
    let first = load(&FIRST);
    let end = _mm512_add_epi32(end, first);
    // Before the first byte if there is none.
    let point = _mm512_sub_epi32(_mm512_add_epi32(first, all(31)), _mm512_lzcnt_epi32(point));
    let byte = |place| _mm512_and_si512(place, all(0xff));
    let places = _mm512_or_si512(
        _mm512_or_si512(byte(end), _mm512_slli_epi32::<8>(byte(point))),
        _mm512_slli_epi32::<16>(byte(count)),
    );
    store(&mut tokens.places, places);
    store(&mut tokens.exponent, exponent);
}

/// Makes numbers of digits and exponents.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq,bmi1,bmi2,popcnt"
)]
fn convert(tokens: &mut Tokens, values: &mut [f64; TOKENS]) {
    let (pairs, _) = tokens.text.as_flattened().as_chunks::<{ 2 * CHUNK }>();
    let [a, b, c, d, e, f, g, h] = pairs else { return };
    let places = load(&tokens.places);
    let first = digits(_mm512_shuffle_i32x4::<0b00_00_00_00>(places, places), a, b);
    let second = digits(_mm512_shuffle_i32x4::<0b01_01_01_01>(places, places), c, d);
    let third = digits(_mm512_shuffle_i32x4::<0b10_10_10_10>(places, places), e, f);
    let fourth = digits(_mm512_shuffle_i32x4::<0b11_11_11_11>(places, places), g, h);
    let (mantissas, more) = (mantissas(first, second), mantissas(third, fourth));
    let exponents = load(&tokens.exponent);
    let first = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(exponents));
    let second = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(exponents));
    let ([low, high], _) = values.as_chunks_mut::<8>() else { return };
    let [negative, more_negative] = tokens.negative.to_le_bytes();
    let [wrong, more_wrong] = tokens.wrong.to_le_bytes();
    let (long, more_long) = (
        scale(mantissas, first, negative, wrong, low),
        scale(more, second, more_negative, more_wrong, high),
    );
    tokens.long |= u16::from_le_bytes([long, more_long]) & !tokens.wrong;
}

/// The digits of four tokens' mantissas, each in 16 bytes, the last digit in the last byte, with zeros
/// before them; `places` has those of the tokens four times.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn digits(places: __m512i, pair: &[u8; 2 * CHUNK], next: &[u8; 2 * CHUNK]) -> __m512i {
    /// For each byte the distance from the end of its number's, and the digits it needs to be one.
    #[expect(clippy::indexing_slicing, reason = "at compile time, below the table's length")]
    const BACK: [[u8; 64]; 2] = {
        let mut back = [[0; 64]; 2];
        let mut at = 0;
        while at < 64 {
            back[0][at] = (at % 16) as u8 + 0xf0;
            back[1][at] = 16 - (at % 16) as u8;
            at += 1;
        }
        back
    };
    #[expect(clippy::indexing_slicing, reason = "at compile time, below the table's length")]
    const FIELDS: [[u8; 64]; 3] = {
        let mut fields = [[0; 64]; 3];
        let mut at = 0;
        while at < 3 * 64 {
            fields[at / 64][at % 64] = (at % 64 / 16 * 4 + at / 64) as u8;
            at += 1;
        }
        fields
    };
    let field = |places, field| _mm512_shuffle_epi8(places, load::<u8, 64>(field));
    let ([end, point, count], [back, needed]) = (&FIELDS, &BACK);
    let places = (field(places, end), field(places, point), field(places, count));
    let place = _mm512_add_epi8(places.0, load(back));
    // The digits before the point are one byte nearer to the beginning.
    let is_before = _mm512_cmple_epi8_mask(place, places.1);
    let place = _mm512_mask_sub_epi8(place, is_before, place, _mm512_set1_epi8(1));
    let is_digit = _mm512_cmpge_epi8_mask(places.2, load(needed));
    _mm512_maskz_permutex2var_epi8(is_digit, load(pair), place, load(next))
}

/// The numbers of eight times 16 digits, four in each vector.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn mantissas(a: __m512i, b: __m512i) -> __m512i {
    let fours = |text| {
        let digits = _mm512_and_si512(text, _mm512_set1_epi8(0x0f));
        let pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(10 | 1 << 8));
        _mm512_madd_epi16(pairs, _mm512_set1_epi32(100 | 1 << 16))
    };
    let fours = _mm512_packus_epi32(fours(a), fours(b));
    let eights = _mm512_madd_epi16(fours, _mm512_set1_epi32(10_000 | 1 << 16));
    // They stand in turns.
    let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    let eights = _mm512_permutexvar_epi64(order, eights);
    let first = _mm512_mul_epu32(eights, _mm512_set1_epi64(100_000_000));
    _mm512_add_epi64(first, _mm512_srli_epi64::<32>(eights))
}

/// Writes the numbers with these mantissas and exponents, each rounded once; those that are wrong become
/// NaN. Gives which mantissas are no doubles.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
fn scale(
    mantissas: __m512i,
    exponents: __m512i,
    negative: u8,
    wrong: u8,
    out: &mut [f64; 8],
) -> u8 {
    #[expect(clippy::indexing_slicing, reason = "at compile time, below the table's length")]
    const TENS: [[f64; 8]; 3] = {
        let mut tens = [[0.0; 8]; 3];
        let mut at = 0;
        while at <= MOST_EXPONENT as usize {
            tens[at / 8][at % 8] = POWERS[at];
            at += 1;
        }
        tens
    };
    let powers = looked_up(&TENS, _mm512_abs_epi64(exponents));
    let is_below = _mm512_cmplt_epi64_mask(exponents, _mm512_setzero_si512());
    let numbers = converted(mantissas);
    let scaled = _mm512_mul_pd(numbers, powers);
    let scaled = _mm512_castpd_si512(_mm512_mask_div_pd(scaled, is_below, numbers, powers));
    let sign = _mm512_set1_epi64(i64::MIN);
    let scaled = _mm512_mask_or_epi64(scaled, negative, scaled, sign);
    let not_a_number = _mm512_set1_epi64(f64::NAN.to_bits() as i64);
    let long = _mm512_cmpgt_epu64_mask(mantissas, _mm512_set1_epi64(EXACT as i64));
    store(out, _mm512_mask_mov_epi64(scaled, wrong | long, not_a_number));
    long
}

/// The numbers at eight places of a table. Miri does not know the instructions.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
fn looked_up([first, second, third]: &[[f64; 8]; 3], places: __m512i) -> __m512d {
    let table = |values| _mm512_castsi512_pd(load::<f64, 8>(values));
    if cfg!(miri) {
        let mut indices = [0u64; 8];
        store(&mut indices, places);
        let all = [*first, *second, *third].concat();
        return table(&indices.map(|place| all.get(place as usize).copied().unwrap_or_default()));
    }
    let low = _mm512_permutex2var_pd(table(first), places, table(second));
    let is_high = _mm512_test_epi64_mask(places, _mm512_set1_epi64(16));
    _mm512_mask_permutexvar_pd(low, is_high, places, table(third))
}

/// Integers as floats. Miri does not know the instruction.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn converted(integers: __m512i) -> __m512d {
    if cfg!(miri) {
        let mut all = [0u64; 8];
        store(&mut all, integers);
        return _mm512_castsi512_pd(load(&all.map(|integer| integer as i64 as f64)));
    }
    _mm512_cvtepi64_pd(integers)
}

/// Reads tokens that have too many digits for the steps, one by one.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq,bmi1,bmi2,popcnt"
)]
fn read_long(tokens: &Tokens, values: &mut [f64; TOKENS]) {
    let mut left = tokens.long;
    while left != 0 {
        let lane = left.trailing_zeros() as usize;
        left &= left - 1;
        if let (Some(text), Some(&len), Some(value)) =
            (tokens.text.get(lane), tokens.len.get(lane), values.get_mut(lane))
        {
            *value = number_of(text, len as usize);
        }
    }
}
