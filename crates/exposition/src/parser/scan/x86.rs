//! The structural pass by AVX-512: in steps over a whole window, none of which waits for what the one
//! before found for the same block.
//!
//! Vectors are loaded and stored through pointers, and a function that needs a CPU feature may be called
//! only where that is there: so there is `unsafe` here. Miri runs the test
//! `scanners_agree_on_a_small_page` by it if `RUSTFLAGS` has `-Ctarget-feature=` with what
//! [`Avx512::detect`] asks for.
#![expect(unsafe_code, reason = "SIMD loads, stores, and calls behind a check of the CPU")]

use alloc::vec::Vec;
use core::arch::x86_64::{
    __m128i, __m512i, _mm_add_epi16, _mm_broadcastw_epi16, _mm_cvtepu8_epi16, _mm_mask_add_epi16,
    _mm_set1_epi16, _mm_storeu_si128, _mm512_add_epi16, _mm512_add_epi64, _mm512_alignr_epi64,
    _mm512_and_si512, _mm512_andnot_si512, _mm512_broadcastw_epi16, _mm512_castsi512_si128,
    _mm512_castsi512_si256, _mm512_clmulepi64_epi128, _mm512_cmpeq_epi8_mask,
    _mm512_cmpeq_epi64_mask, _mm512_cmplt_epu64_mask, _mm512_cvtepu8_epi16,
    _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_mask_add_epi16, _mm512_mask_sub_epi64,
    _mm512_mask_xor_epi64, _mm512_maskz_compress_epi8, _mm512_min_epu8, _mm512_movepi8_mask,
    _mm512_movepi64_mask, _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_permutexvar_epi64,
    _mm512_popcnt_epi64, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_shldi_epi64, _mm512_storeu_si512, _mm512_test_epi8_mask,
    _mm512_test_epi64_mask, _mm512_testn_epi8_mask, _mm512_unpacklo_epi64, _mm512_xor_si512,
    _pext_u64,
};
use core::mem;

mod values;

use self::values::Steps;
use super::masks::{LANES, Masks, mark_words};
use super::{BLOCK, Index, UNUSUAL, Window};
use crate::TextFormat;
use crate::number::avx512::Avx512;

/// What is known of the window, and where it may be written.
#[derive(Debug, Default)]
pub(super) struct Room {
    masks: Vec<Masks>,
    /// All bits where an opening brace must follow a line's name to be usual.
    one_pair: u64,
    steps: Steps,
}

impl Room {
    pub(super) fn new(format: TextFormat, blocks: usize, lines: usize) -> Self {
        let masks = alloc::vec![Masks::default(); blocks.div_ceil(LANES)];
        Self {
            masks,
            one_pair: if format == TextFormat::Prometheus { !0 } else { 0 },
            steps: Steps::new(lines),
        }
    }

    /// How many bytes from a place on may stand in a metric's name, up to 64.
    #[inline]
    pub(super) fn name_len(&self, place: usize) -> usize {
        let word = |block| self.word(block, |group| &group.name);
        let (block, shift) = (place / BLOCK, place % BLOCK);
        // The last bit of the first word comes before the first one of the second.
        let bits = word(block) >> shift | (word(block + 1) << 1) << (BLOCK - 1 - shift);
        bits.trailing_ones() as usize
    }

    /// Whether there is no backslash and no NUL in the blocks between two places.
    #[inline]
    pub(super) fn is_plain(&self, start: usize, end: usize) -> bool {
        (start / BLOCK..=end / BLOCK).all(|block| self.word(block, |group| &group.rare) == 0)
    }

    /// Of some masks, that of a block.
    #[inline]
    fn word(&self, block: usize, masks: impl Fn(&Masks) -> &[u64; LANES]) -> u64 {
        let group = self.masks.get(block / LANES);
        group.and_then(|group| masks(group).get(block % LANES)).copied().unwrap_or(0)
    }
}

/// Looks through the first blocks of a window.
pub(super) fn fill(_: Avx512, index: &mut Index, window: &Window, blocks: usize) {
    // SAFETY: an `Avx512` is made by `detect` alone, which has found all these features.
    unsafe { fill_avx512(index, window, blocks) }
}

/// What may come after a byte, as a set of kinds of bytes; the highest bit says that it may stand in
/// a metric's name.
const AFTER: [[u8; BLOCK]; 2] = table(true);
/// A byte's kind, one bit.
const KINDS: [[u8; BLOCK]; 2] = table(false);

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const EQUAL: u8 = 4;
const QUOTE: u8 = 8;
const COMMA: u8 = 16;
const CLOSE: u8 = 32;
const RARE: u8 = 64;
const NAME: u8 = 128;

#[expect(clippy::indexing_slicing, reason = "at compile time, below the table's length")]
const fn table(after: bool) -> [[u8; BLOCK]; 2] {
    let mut table = [[0; BLOCK]; 2];
    let mut byte = 0;
    while byte < 128 {
        let (kind, next) = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => (LETTER, LETTER | DIGIT | EQUAL | NAME),
            b'0'..=b'9' => (DIGIT, LETTER | DIGIT | EQUAL | NAME),
            b':' => (0, NAME),
            b'=' => (EQUAL, QUOTE),
            // Where labels are, this is the end of a string.
            b'"' => (QUOTE, COMMA | CLOSE),
            b',' => (COMMA, LETTER | CLOSE),
            b'{' => (0, LETTER | CLOSE),
            b'}' => (CLOSE, 0),
            b'\\' | 0 => (0, RARE),
            _ => (0, 0),
        };
        table[byte / BLOCK][byte % BLOCK] = if after { next } else { kind };
        byte += 1;
    }
    table
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq,bmi1,bmi2,popcnt"
)]
fn fill_avx512(index: &mut Index, window: &Window, blocks: usize) {
    /// So many lines with exemplars are not followed by others without.
    const MANY: usize = 8;
    let mut room = mem::take(&mut index.room);
    let is_missed = MANY < mem::take(&mut index.missed);
    let groups = room.masks.get_mut(..blocks.div_ceil(LANES)).unwrap_or_default();
    classify(groups, window, blocks);
    index.is_plain = groups.iter().all(|group| group.rare == [0; LANES]);
    if !mark(groups, room.one_pair) {
        mark_words(groups, room.one_pair);
    }
    append(groups, index);
    if is_missed {
        index.values.fill(f64::NAN);
    } else {
        values::read(&mut room.steps, window, index);
    }
    index.room = room;
}

/// Makes masks of all blocks; what is behind the last one has no bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn classify(groups: &mut [Masks], window: &Window, blocks: usize) {
    // Bytes beyond ASCII become its last one, which is of no kind.
    let ascii = _mm512_set1_epi8(127);
    let look_up = |[low, high]: &[[u8; BLOCK]; 2], bytes| {
        _mm512_permutex2var_epi8(load(low), _mm512_min_epu8(bytes, ascii), load(high))
    };
    for (group, start) in groups.iter_mut().zip((0..).step_by(LANES)) {
        if blocks < start + LANES {
            *group = Masks::default();
        }
        for lane in 0..LANES.min(blocks - start) {
            let at = (start + lane) * BLOCK;
            let Some(bytes) = window.get(at..at + BLOCK + 1) else { break };
            let (Some(block), Some(next)) = (bytes.first_chunk(), bytes.last_chunk()) else {
                break;
            };
            let (block, next) = (load::<u8, BLOCK>(block), load::<u8, BLOCK>(next));
            let (after, kinds) = (look_up(&AFTER, block), look_up(&KINDS, next));
            let equal = |byte: u8| _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte as i8));
            let put = |words: &mut [u64; LANES], bits| {
                if let Some(word) = words.get_mut(lane) {
                    *word = bits;
                }
            };
            put(&mut group.newline, equal(b'\n'));
            put(&mut group.quote, equal(b'"'));
            put(&mut group.rare, _mm512_test_epi8_mask(after, _mm512_set1_epi8(RARE as i8)));
            put(&mut group.brace, equal(b'{') | equal(b'}'));
            put(&mut group.space, equal(b' '));
            put(&mut group.name, _mm512_movepi8_mask(after));
            put(&mut group.misfit, _mm512_testn_epi8_mask(after, kinds));
        }
    }
}

/// Does what [`mark_words`] does, a group at a time and without a branch that depends on the bytes.
///
/// Gives whether all is done: not where a string or a pair of braces is not closed on its line.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq,bmi1,bmi2,popcnt"
)]
fn mark(groups: &mut [Masks], one_pair: u64) -> bool {
    let one_pair = _mm512_set1_epi64(one_pair as i64);
    let (mut in_string, mut in_braces, mut in_name, mut in_unusual) = (0, 0, 1, 0);
    let mut last_newline = _mm512_setzero_si512();
    for group in groups {
        let (newline, quote, brace) =
            (load(&group.newline), load(&group.quote), load(&group.brace));
        let inside = parities(quote, &mut in_string);
        let braces = _mm512_andnot_si512(inside, brace);
        let labels = parities(braces, &mut in_braces);
        let within = _mm512_or_si512(inside, labels);
        if _mm512_test_epi64_mask(within, newline) != 0 {
            return false;
        }
        // Braces, and spaces outside of strings.
        let ends = _mm512_or_si512(braces, _mm512_andnot_si512(inside, load(&group.space)));
        let last = _mm512_alignr_epi64::<7>(newline, last_newline);
        let starts = _mm512_shldi_epi64::<1>(newline, last);
        last_newline = newline;
        let name = load(&group.name);
        let after_names = _mm512_andnot_si512(name, add(name, starts, &mut in_name));

        let labelled = _mm512_andnot_si512(inside, labels);
        let misfit = _mm512_and_si512(load(&group.misfit), labelled);
        let opening = _mm512_and_si512(_mm512_and_si512(braces, labels), one_pair);
        let second = _mm512_andnot_si512(after_names, opening);
        let usual_ends = _mm512_or_si512(ends, newline);
        let unusual = _mm512_or_si512(
            _mm512_or_si512(load(&group.rare), misfit),
            _mm512_or_si512(second, _mm512_andnot_si512(usual_ends, after_names)),
        );
        // From an unusual byte a carry runs to the line feed that ends its line.
        let others = _mm512_xor_si512(newline, _mm512_set1_epi64(-1));
        let run = add(others, _mm512_and_si512(unusual, others), &mut in_unusual);
        let unusual = _mm512_and_si512(_mm512_or_si512(run, unusual), newline);
        store(&mut group.marked, _mm512_or_si512(usual_ends, quote));
        store(&mut group.unusual, unusual);
    }
    true
}

/// For each bit of a group, whether the number of set bits up to it is odd, with those before the group.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,vpclmulqdq")]
fn parities(bits: __m512i, carry: &mut u32) -> __m512i {
    let ones = _mm512_set1_epi64(-1);
    let even = _mm512_clmulepi64_epi128::<0>(bits, ones);
    let odd = _mm512_clmulepi64_epi128::<1>(bits, ones);
    let words = _mm512_unpacklo_epi64(even, odd);
    let mut sum = u32::from(_mm512_movepi64_mask(words));
    sum ^= sum << 1;
    sum ^= sum << 2;
    sum ^= sum << 4;
    // All words behind an odd number of bits are turned.
    let before = sum << 1 ^ 0u32.wrapping_sub(*carry);
    *carry ^= sum >> 7 & 1;
    _mm512_mask_xor_epi64(words, before as u8, words, ones)
}

/// The sum of two groups as one number each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn add(a: __m512i, b: __m512i, carry: &mut u32) -> __m512i {
    let ones = _mm512_set1_epi64(-1);
    let sum = _mm512_add_epi64(a, b);
    let over = u32::from(_mm512_cmplt_epu64_mask(sum, b));
    let full = u32::from(_mm512_cmpeq_epi64_mask(sum, ones));
    // A carry passes over the words that are full.
    let carries = (over << 1 | *carry) + full;
    *carry = carries >> 8;
    _mm512_mask_sub_epi64(sum, (carries ^ full) as u8, sum, ones)
}

/// Writes marks, and then lines.
///
/// What depends on the block stays in vectors: the way from general registers to them costs more than
/// the rest of the work.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,bmi2,popcnt"
)]
fn append(groups: &[Masks], index: &mut Index) {
    let (mut marks, mut base) = (index.marks.as_mut_slice(), _mm512_set1_epi16(0));
    for group in groups {
        for &marked in &group.marked {
            let Some(out) = marks.first_chunk_mut() else { break };
            append_marks(marked, base, out);
            marks = marks.get_mut(marked.count_ones() as usize..).unwrap_or_default();
            base = _mm512_add_epi16(base, _mm512_set1_epi16(BLOCK as i16));
        }
    }
    let (mut lines, mut total) = (index.lines.as_mut_slice(), _mm512_setzero_si512());
    let room = lines.len();
    for group in groups {
        let counts = sums(load(&group.marked));
        let before = _mm512_alignr_epi64::<7>(counts, _mm512_setzero_si512());
        let mut before = _mm512_add_epi64(before, total);
        let last = _mm512_set1_epi64(7);
        total = _mm512_add_epi64(total, _mm512_permutexvar_epi64(last, counts));
        let words = group.marked.iter().zip(&group.newline).zip(&group.unusual);
        for ((&marked, &newline), &unusual) in words {
            let Some(out) = lines.first_chunk_mut() else { break };
            let count = _mm_broadcastw_epi16(_mm512_castsi512_si128(before));
            append_lines(BlockLines { newline, marked, unusual }, count, out);
            lines = lines.get_mut(newline.count_ones() as usize..).unwrap_or_default();
            before = _mm512_alignr_epi64::<1>(before, before);
        }
    }
    index.line_count = room - lines.len();
}

/// For each word how many bits are set in it and in those before it.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn sums(words: __m512i) -> __m512i {
    let zero = _mm512_setzero_si512();
    let counts = _mm512_popcnt_epi64(words);
    let counts = _mm512_add_epi64(counts, _mm512_alignr_epi64::<7>(counts, zero));
    let counts = _mm512_add_epi64(counts, _mm512_alignr_epi64::<6>(counts, zero));
    _mm512_add_epi64(counts, _mm512_alignr_epi64::<4>(counts, zero))
}

/// The lines that end in a block.
#[derive(Clone, Copy, Debug)]
struct BlockLines {
    newline: u64,
    marked: u64,
    /// Line feeds of unusual lines.
    unusual: u64,
}

/// The places of the set bits, 32 at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn append_marks(bits: u64, base: __m512i, out: &mut [u16; BLOCK]) {
    let places = places_of(bits);
    let ([low, high], _) = out.as_chunks_mut::<{ BLOCK / 2 }>() else { return };
    let first = _mm512_castsi512_si256(places);
    store(low, _mm512_add_epi16(_mm512_cvtepu8_epi16(first), base));
    if bits.count_ones() as usize > BLOCK / 2 {
        let rest = _mm512_extracti64x4_epi64::<1>(places);
        store(high, _mm512_add_epi16(_mm512_cvtepu8_epi16(rest), base));
    }
}

/// Which marks are line feeds, with [`UNUSUAL`] for some; `count` has the marks before the block.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn append_lines(lines: BlockLines, count: __m128i, out: &mut [u16; BLOCK]) {
    let BlockLines { newline, marked, unusual } = lines;
    let places = places_of(_pext_u64(newline, marked));
    let unusual = _pext_u64(unusual, newline);
    if newline.count_ones() <= 8 {
        let marks = _mm_cvtepu8_epi16(_mm512_castsi512_si128(places));
        let marks = _mm_add_epi16(marks, count);
        // The highest bit is not set yet.
        let flag = _mm_set1_epi16(UNUSUAL as i16);
        let entries = _mm_mask_add_epi16(marks, unusual as u8, marks, flag);
        let (low, _) = out.as_chunks_mut();
        if let Some(low) = low.first_mut() {
            store_eight(low, entries);
        }
        return;
    }
    append_many(places, unusual, count, out);
}

/// The same where there are more lines than usual.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw")]
fn append_many(places: __m512i, unusual: u64, count: __m128i, out: &mut [u16; BLOCK]) {
    let entries = |places, unusual: u64| {
        let marks = _mm512_add_epi16(_mm512_cvtepu8_epi16(places), _mm512_broadcastw_epi16(count));
        _mm512_mask_add_epi16(marks, unusual as u32, marks, _mm512_set1_epi16(UNUSUAL as i16))
    };
    let ([low, high], _) = out.as_chunks_mut::<{ BLOCK / 2 }>() else { return };
    store(low, entries(_mm512_castsi512_si256(places), unusual));
    store(high, entries(_mm512_extracti64x4_epi64::<1>(places), unusual >> (BLOCK / 2)));
}

/// The places of the set bits, one a byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2")]
fn places_of(bits: u64) -> __m512i {
    const PLACES: [u8; BLOCK] = places();
    if cfg!(miri) {
        load(&compressed(bits, PLACES))
    } else {
        _mm512_maskz_compress_epi8(bits, load(&PLACES))
    }
}

/// An instruction that Miri does not know.
fn compressed(bits: u64, places: [u8; BLOCK]) -> [u8; BLOCK] {
    let mut out = [0; BLOCK];
    let set = places.into_iter().filter(|place| bits >> place & 1 != 0);
    out.iter_mut().zip(set).for_each(|(out, place)| *out = place);
    out
}

#[expect(clippy::indexing_slicing, reason = "at compile time, below the table's length")]
const fn places() -> [u8; BLOCK] {
    let mut places = [0; BLOCK];
    let mut place = 0;
    while place < BLOCK {
        places[place] = place as u8;
        place += 1;
    }
    places
}

/// Numbers that fill a vector.
trait Number: Copy {}

impl Number for u8 {}
impl Number for u16 {}
impl Number for u32 {}
impl Number for u64 {}
impl Number for i32 {}
impl Number for f64 {}

#[inline]
#[target_feature(enable = "avx512f")]
fn load<T: Number, const N: usize>(values: &[T; N]) -> __m512i {
    const { assert!(size_of::<[T; N]>() == BLOCK) };
    // SAFETY: the reference is to 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store<T: Number, const N: usize>(out: &mut [T; N], values: __m512i) {
    const { assert!(size_of::<[T; N]>() == BLOCK) };
    // SAFETY: the reference is to 64 writable bytes, of which all values are numbers; the store needs no
    // alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), values) }
}

#[inline]
fn store_eight(out: &mut [u16; 8], values: __m128i) {
    // SAFETY: the reference is to 16 writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), values) }
}

#[cfg(test)]
mod tests;
