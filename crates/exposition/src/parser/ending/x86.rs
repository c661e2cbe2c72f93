//! The numbers of known forms by AVX-512.
#![expect(unsafe_code, reason = "SIMD loads, behind a check of the CPU")]

use core::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_madd_epi16, _mm_maddubs_epi16,
    _mm_packus_epi32, _mm_set1_epi16, _mm_set1_epi32, _mm256_castsi128_si256,
    _mm256_castsi256_si128, _mm256_cmpgt_epu8_mask, _mm256_loadu_si256,
    _mm256_maskz_permutexvar_epi8, _mm256_sub_epi8,
};

use super::{CHUNK, Number, indexed_value};
#[cfg(test)]
use crate::number::avx512::Avx512;
use crate::number::avx512::number_of;

/// Reads the number at `at`, if it has this form.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(in super::super) fn read_avx512(form: &Number, page: &[u8], at: usize) -> Option<f64> {
    let values = _mm256_sub_epi8(load(page.get(at..)?.first_chunk()?), load(&form.least));
    if _mm256_cmpgt_epu8_mask(values, load(&form.more)) != 0 {
        return None;
    }
    if form.is_long {
        let value = number_of(page.get(at..)?.first_chunk()?, form.len());
        return if value.is_nan() { indexed_value(page, at, at + form.len()) } else { Some(value) };
    }
    let places = _mm256_castsi128_si256(load_half(&form.places));
    let digits = _mm256_maskz_permutexvar_epi8(u32::from(form.kept), places, values);
    let pairs = _mm_maddubs_epi16(_mm256_castsi256_si128(digits), _mm_set1_epi16(10 | 1 << 8));
    let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
    let eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(10_000 | 1 << 16));
    let both = _mm_cvtsi128_si64(eights) as u64;
    let digits = (both & u64::from(u32::MAX)) * 100_000_000 + (both >> 32);
    // One of the two is 1, so the result is rounded once.
    let magnitude = digits as i64 as f64 * form.by / form.over;
    Some(f64::from_bits(magnitude.to_bits() ^ form.bits))
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn load(chunk: &[u8; CHUNK]) -> __m256i {
    // SAFETY: the reference is to 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(chunk.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_half(chunk: &[u8; CHUNK / 2]) -> __m128i {
    // SAFETY: the reference is to 16 bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(chunk.as_ptr().cast()) }
}

/// The same for tests.
#[cfg(test)]
pub(super) fn read_by(_: Avx512, form: &Number, page: &[u8], at: usize) -> Option<f64> {
    // SAFETY: there is an `Avx512` only where the CPU has all these features.
    unsafe { read_avx512(form, page, at) }
}
