//! The masks of a block by AVX-512.
//!
//! The one place with `unsafe`: vectors are loaded and stored through pointers, and a function that
//! needs a CPU feature may be called only where that is there. Miri runs the test
//! `scanners_agree_on_a_small_page` by it if `RUSTFLAGS` has `-Ctarget-feature=` with what [`best`] asks
//! for.
#![expect(unsafe_code, reason = "SIMD loads, stores, and calls behind a check of the CPU")]

use core::arch::x86_64::{
    __m512i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8,
    _mm512_add_epi16, _mm512_castsi512_si256, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi16,
    _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_maskz_compress_epi8, _mm512_min_epu8,
    _mm512_movepi8_mask, _mm512_permutex2var_epi8, _mm512_set1_epi8, _mm512_set1_epi16,
    _mm512_storeu_si512, _mm512_testn_epi8_mask,
};

use super::{BLOCK, Index, Masks, Scanner, fill_window};

/// The best that this CPU can do.
pub(super) fn best() -> Scanner {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
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
            _ => (0, 0),
        };
        table[byte / BLOCK][byte % BLOCK] = if after { next } else { kind };
        byte += 1;
    }
    table
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,pclmulqdq")]
fn avx512(index: &mut Index, bytes: &[u8]) {
    fill_window(
        index,
        bytes,
        |block, next| masks_avx512(block, next),
        |bits| parity(bits),
        |bits, base, out| append_avx512(bits, base, out),
    );
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn masks_avx512(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Masks {
    let (block, next) = (load(block), load(next));
    // Bytes beyond ASCII become 128, of which the lookup sees 0.
    let ascii = _mm512_set1_epi8(-128);
    let look_up = |[low, high]: &[[u8; BLOCK]; 2], bytes| {
        _mm512_permutex2var_epi8(load(low), _mm512_min_epu8(bytes, ascii), load(high))
    };
    let (after, kinds) = (look_up(&AFTER, block), look_up(&KINDS, next));
    let equal = |byte: u8| _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte as i8));
    Masks {
        newline: equal(b'\n'),
        quote: equal(b'"'),
        backslash: equal(b'\\'),
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
    const PLACES: [u8; BLOCK] = places();
    let places = if cfg!(miri) {
        load(&compressed(bits, PLACES))
    } else {
        _mm512_maskz_compress_epi8(bits, load(&PLACES))
    };
    let (first, rest) = (_mm512_castsi512_si256(places), _mm512_extracti64x4_epi64::<1>(places));
    let base = _mm512_set1_epi16(base as i16);
    let ([low, high], _) = out.as_chunks_mut() else { return };
    store(low, _mm512_add_epi16(_mm512_cvtepu8_epi16(first), base));
    if bits.count_ones() as usize > BLOCK / 2 {
        store(high, _mm512_add_epi16(_mm512_cvtepu8_epi16(rest), base));
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

/// For each bit, whether the number of set bits up to it is odd.
#[inline]
#[target_feature(enable = "pclmulqdq")]
fn parity(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits as i64), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product) as u64
}
