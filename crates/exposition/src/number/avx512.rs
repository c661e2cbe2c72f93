//! Numbers by AVX-512: what exporters write is read without a branch that depends on the digits.
//!
//! Vectors are loaded through pointers, and a function that needs a CPU feature may be called only where
//! that is there: so there is `unsafe` here. What is not a usual number is left to the functions that
//! read word by word, which are its twin: where both read a number they agree.
#![expect(unsafe_code, reason = "SIMD loads, and calls behind a check of the CPU")]

use alloc::vec::Vec;
use core::arch::x86_64::{
    __m256i, _bzhi_u32, _mm_cvtsi128_si64, _mm256_castsi256_si128, _mm256_cmpeq_epi8_mask,
    _mm256_cmplt_epu8_mask, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_maskz_compress_epi8, _mm256_packus_epi32, _mm256_permutexvar_epi8,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_storeu_si256, _mm256_sub_epi8,
};
use core::array;

use super::{EXACT, POWERS, scale_long};

/// Bytes that are loaded for a number; one that is as long is not usual.
pub(crate) const CHUNK: usize = 32;

/// That this CPU has all that the functions here need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// Looks at the CPU.
    pub(crate) fn detect() -> Option<Self> {
        let vectors = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("avx512vpopcntdq")
            && is_x86_feature_detected!("vpclmulqdq");
        let words = is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        (vectors && words).then_some(Self(()))
    }

    /// Reads the usual number that is the first `len` bytes of `chunk`.
    #[cfg(test)]
    pub(crate) fn number(self, chunk: &[u8; CHUNK], len: usize) -> Option<f64> {
        // SAFETY: `self` was made by `detect`, which has found all these features.
        let value = unsafe { number_of(chunk, len) };
        (!value.is_nan()).then_some(value)
    }
}

/// Reads the number that is the first `len` bytes; NaN where it is not a usual one, which has at most
/// 19 digits, neither begins nor ends with a point, and perhaps an exponent of two digits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(crate) fn number_of(chunk: &[u8; CHUNK], len: usize) -> f64 {
    const MOST_DIGITS: u32 = 19;
    let last = chunk.get(len.max(4) - 4..).and_then(<[u8]>::first_chunk::<4>);
    let (Some(last), true) = (last, len < CHUNK) else { return f64::NAN };
    let last = u32::from_le_bytes(*last);
    let (is_raised, exponent) = exponent(last);
    let is_raised = u32::from(is_raised & (4 < len));
    let end = len as u32 - 4 * is_raised;

    let text = load_chunk(chunk);
    let values = _mm256_sub_epi8(text, _mm256_set1_epi8(b'0' as i8));
    let digits = _mm256_cmplt_epu8_mask(values, _mm256_set1_epi8(10));
    let within = _bzhi_u32(!0, end);
    let point = _mm256_cmpeq_epi8_mask(text, _mm256_set1_epi8(b'.' as i8)) & within;
    let minus = u32::from(chunk[0] == b'-');
    // An exponent's letter and sign are no digits, and the rest of it is digits.
    let others = minus | point | (3 * is_raised) << end;
    let edges = (1 << minus) | 1u32.wrapping_shl(end.wrapping_sub(1));
    let kept = digits & within;
    let wrong = (_bzhi_u32(!digits, len as u32) ^ others)
        | (edges & !kept)
        | (point & point.wrapping_sub(1));

    let behind = (kept & !point.wrapping_sub(1)).count_ones();
    let count = kept.count_ones();
    let mantissa = sixteen_and_more(turned(kept, values));
    let exponent = (exponent & 0i32.wrapping_sub(is_raised as i32)) - behind as i32;
    let Some([by, over]) = SCALES.get((exponent + LEAST) as usize) else { return f64::NAN };
    if (wrong != 0) | (MOST_DIGITS < count) {
        return f64::NAN;
    }
    let magnitude = if mantissa <= EXACT {
        // One of the two is 1, so the result is rounded once.
        mantissa as i64 as f64 * by / over
    } else {
        scale_long(mantissa, exponent).unwrap_or(f64::NAN)
    };
    f64::from_bits(magnitude.to_bits() | u64::from(minus) << 63)
}

/// Whether the last four bytes are an exponent of two digits, if they end with digits, and which one.
#[inline]
fn exponent(last: u32) -> (bool, i32) {
    const PLUS: u32 = u16::from_le_bytes(*b"e+") as u32;
    const MINUS: u32 = u16::from_le_bytes(*b"e-") as u32;
    let letter_and_sign = (last | 0x20) & 0xffff;
    let is_below = letter_and_sign == MINUS;
    let (tens, ones) = (last >> 16 & 0xf, last >> 24 & 0xf);
    let magnitude = (tens * 10 + ones) as i32;
    let sign = -i32::from(is_below);
    (is_below | (letter_and_sign == PLUS), (magnitude ^ sign) - sign)
}

/// Digits without what is between them: the last sixteen in the first lane, and those before them in the
/// other one, zeros before the first. Miri does not know the instructions.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt")]
fn turned(kept: u32, values: __m256i) -> __m256i {
    const TURNED: [u8; 2 * CHUNK] = {
        let mut places = [0; 2 * CHUNK];
        let mut at = 0;
        while at < 2 * CHUNK {
            places[at] = ((at + CHUNK / 2) % CHUNK) as u8;
            at += 1;
        }
        places
    };
    let count = kept.count_ones() as usize;
    let places = TURNED[count % CHUNK..].first_chunk().unwrap_or(&[0; CHUNK]);
    if cfg!(miri) {
        let digits: Vec<_> = stored(values).into_iter().zip(0..).collect();
        let mut digits = digits.into_iter().filter(|(_, at)| kept >> at & 1 != 0);
        let close: [u8; CHUNK] = array::from_fn(|_| digits.next().map_or(0, |(digit, _)| digit));
        return load_chunk(&places.map(|place| close[usize::from(place)]));
    }
    let digits = _mm256_maskz_compress_epi8(kept, values);
    _mm256_permutexvar_epi8(load_chunk(places), digits)
}

/// The number of digits in their places.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn sixteen_and_more(digits: __m256i) -> u64 {
    let pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(10 | 1 << 8));
    let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(100 | 1 << 16));
    let fours = _mm256_packus_epi32(fours, fours);
    let eights = _mm256_madd_epi16(fours, _mm256_set1_epi32(10_000 | 1 << 16));
    let last = _mm_cvtsi128_si64(_mm256_castsi256_si128(eights)) as u64;
    let first = _mm_cvtsi128_si64(_mm256_extracti128_si256::<1>(eights)) as u64;
    let last = (last & u64::from(u32::MAX)) * 100_000_000 + (last >> 32);
    // Not more than three digits, or the number is not usual.
    last.wrapping_add((first >> 32).wrapping_mul(10_000_000_000_000_000))
}

/// The least exponent below zero of which the power is exact.
const LEAST: i32 = 22;

/// For each exponent what is to be multiplied by and divided by.
const SCALES: [[f64; 2]; 2 * LEAST as usize + 1] = {
    let mut scales = [[1.0; 2]; 2 * LEAST as usize + 1];
    let mut at = 0;
    while at <= LEAST as usize {
        scales[LEAST as usize + at][0] = POWERS[at];
        scales[LEAST as usize - at][1] = POWERS[at];
        at += 1;
    }
    scales
};

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
pub(crate) fn load_chunk(chunk: &[u8; CHUNK]) -> __m256i {
    // SAFETY: the reference is to 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(chunk.as_ptr().cast()) }
}

/// The bytes of a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
pub(crate) fn stored(values: __m256i) -> [u8; CHUNK] {
    let mut out = [0; CHUNK];
    // SAFETY: the reference is to 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), values) }
    out
}
