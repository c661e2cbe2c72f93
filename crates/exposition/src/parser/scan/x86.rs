//! The masks of a block by AVX-512.
//!
//! The one place with `unsafe`: vectors are loaded and stored through pointers, and a function that
//! needs a CPU feature may be called only where that is there. Miri runs the test
//! `scanners_agree_on_a_small_page` by it if `RUSTFLAGS` has `-Ctarget-feature=` with what [`best`] asks
//! for.
#![expect(unsafe_code, reason = "SIMD loads, stores, and calls behind a check of the CPU")]

use core::arch::x86_64::{
    __m128i, __m512i, _mm_add_epi16, _mm_clmulepi64_si128, _mm_cvtepu8_epi16, _mm_cvtsi64_si128,
    _mm_cvtsi128_si64, _mm_mask_add_epi16, _mm_set1_epi8, _mm_set1_epi16, _mm_storeu_si128,
    _mm512_add_epi16, _mm512_castsi512_si128, _mm512_castsi512_si256, _mm512_cmpeq_epi8_mask,
    _mm512_cvtepu8_epi16, _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_mask_add_epi16,
    _mm512_maskz_compress_epi8, _mm512_min_epu8, _mm512_movepi8_mask, _mm512_permutex2var_epi8,
    _mm512_set1_epi8, _mm512_set1_epi16, _mm512_storeu_si512, _mm512_test_epi8_mask,
    _mm512_testn_epi8_mask, _pext_u64,
};

use super::{BLOCK, BlockLines, Index, Masks, Scanner, UNUSUAL, fill_window};

/// The best that this CPU can do.
pub(super) fn best() -> Scanner {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2");
    let words = is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("pclmulqdq");
    if avx512 && words { Scanner::Avx512 } else { Scanner::Bytewise }
}

/// Looks through a window by AVX-512; [`best`] must have said so.
pub(super) fn fill_avx512(index: &mut Index, bytes: &[u8]) {
    // SAFETY: a `Scanner::Avx512` is made by `best` alone, which has found all these features.
    unsafe { avx512(index, bytes) }
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
    enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,pclmulqdq"
)]
fn avx512(index: &mut Index, bytes: &[u8]) {
    fill_window(
        index,
        bytes,
        |block, next| masks_avx512(block, next),
        |bits| parity(bits),
        |bits, base, out| append_avx512(bits, base, out),
        |lines, out| append_lines_avx512(lines, out),
    );
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn masks_avx512(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Masks {
    let (block, next) = (load(block), load(next));
    // Bytes beyond ASCII become its last one, which is of no kind.
    let ascii = _mm512_set1_epi8(127);
    let look_up = |[low, high]: &[[u8; BLOCK]; 2], bytes| {
        _mm512_permutex2var_epi8(load(low), _mm512_min_epu8(bytes, ascii), load(high))
    };
    let (after, kinds) = (look_up(&AFTER, block), look_up(&KINDS, next));
    let equal = |byte: u8| _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte as i8));
    Masks {
        newline: equal(b'\n'),
        quote: equal(b'"'),
        rare: _mm512_test_epi8_mask(after, _mm512_set1_epi8(RARE as i8)),
        brace: equal(b'{') | equal(b'}'),
        space: equal(b' '),
        name: _mm512_movepi8_mask(after),
        misfit: _mm512_testn_epi8_mask(after, kinds),
    }
}

/// The places of the set bits, 32 at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn append_avx512(bits: u64, base: u16, out: &mut [u16; BLOCK]) {
    let (places, base) = (places_avx512(bits), _mm512_set1_epi16(base as i16));
    let ([low, high], _) = out.as_chunks_mut() else { return };
    let first = _mm512_castsi512_si256(places);
    store(low, _mm512_add_epi16(_mm512_cvtepu8_epi16(first), base));
    if bits.count_ones() as usize > BLOCK / 2 {
        let rest = _mm512_extracti64x4_epi64::<1>(places);
        store(high, _mm512_add_epi16(_mm512_cvtepu8_epi16(rest), base));
    }
}

/// Which marks are line feeds, with [`UNUSUAL`] for some.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn append_lines_avx512(lines: BlockLines, out: &mut [u16; BLOCK]) {
    let BlockLines { newline, marked, unusual, count } = lines;
    let places = places_avx512(_pext_u64(newline, marked));
    let unusual = _pext_u64(unusual, newline);
    if newline.count_ones() <= 8 {
        let marks = _mm_cvtepu8_epi16(_mm512_castsi512_si128(places));
        let marks = _mm_add_epi16(marks, _mm_set1_epi16(count as i16));
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
fn append_many(places: __m512i, unusual: u64, count: u16, out: &mut [u16; BLOCK]) {
    let entries = |places, unusual: u64| {
        let marks = _mm512_add_epi16(_mm512_cvtepu8_epi16(places), _mm512_set1_epi16(count as i16));
        _mm512_mask_add_epi16(marks, unusual as u32, marks, _mm512_set1_epi16(UNUSUAL as i16))
    };
    let ([low, high], _) = out.as_chunks_mut() else { return };
    store(low, entries(_mm512_castsi512_si256(places), unusual));
    store(high, entries(_mm512_extracti64x4_epi64::<1>(places), unusual >> (BLOCK / 2)));
}

/// The places of the set bits, one a byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2")]
fn places_avx512(bits: u64) -> __m512i {
    const PLACES: [u8; BLOCK] = places();
    if cfg!(miri) {
        load(&compressed(bits, PLACES))
    } else {
        _mm512_maskz_compress_epi8(bits, load(&PLACES))
    }
}

/// The one instruction that Miri does not know.
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

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the reference is to 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(out: &mut [u16; BLOCK / 2], values: __m512i) {
    // SAFETY: the reference is to 64 writable bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), values) }
}

#[inline]
fn store_eight(out: &mut [u16; 8], values: __m128i) {
    // SAFETY: the reference is to 16 writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), values) }
}

/// For each bit, whether the number of set bits up to it is odd.
#[inline]
#[target_feature(enable = "pclmulqdq")]
fn parity(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits as i64), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product) as u64
}
