//! The numbers of known forms by AVX-512.
#![expect(unsafe_code, reason = "SIMD loads, behind a check of the CPU")]

use core::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_madd_epi16, _mm_maddubs_epi16,
    _mm_packus_epi32, _mm_set1_epi16, _mm_set1_epi32, _mm256_castsi128_si256,
    _mm256_castsi256_si128, _mm256_cmpgt_epu8_mask, _mm256_maskz_permutexvar_epi8, _mm256_sub_epi8,
};

use super::{Behind, BehindForm, CHUNK, Number, Scaled};
#[cfg(test)]
use crate::number::avx512::Avx512;
use crate::number::avx512::{load_chunk, number_of, stored};

/// Reads the number at `at`; says whether it has this form.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(in super::super) fn read_avx512(
    form: &Number,
    page: &[u8],
    at: usize,
    out: &mut Scaled,
) -> bool {
    let Some(chunk) = page.get(at..).and_then(<[u8]>::first_chunk) else { return false };
    let values = _mm256_sub_epi8(load_chunk(chunk), load_chunk(&form.least));
    if _mm256_cmpgt_epu8_mask(values, load_chunk(&form.more)) != 0 {
        return false;
    }
    if form.is_long {
        return read_long(chunk, form.len(), out) || out.read_whole(page, at, at + form.len());
    }
    let digits = picked(form, values);
    let pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
    let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
    let eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(10_000 | 1 << 16));
    let both = _mm_cvtsi128_si64(eights) as u64;
    out.digits = ((both & u64::from(u32::MAX)) * 100_000_000 + (both >> 32)) as i64;
    (out.by, out.over, out.bits) = (form.by, form.over, form.bits);
    true
}

/// The form's digits, the last in the last place and zeros before the first.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn picked(form: &Number, values: __m256i) -> __m128i {
    if cfg!(miri) {
        return load_half(&form.pick(&stored(values)));
    }
    let places = _mm256_castsi128_si256(load_half(&form.places));
    let digits = _mm256_maskz_permutexvar_epi8(u32::from(form.kept), places, values);
    _mm256_castsi256_si128(digits)
}

/// Reads what stands at `at`, behind a value; says whether it has this form.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(in super::super) fn read_behind_avx512(
    form: &BehindForm,
    page: &[u8],
    at: usize,
    out: &mut Behind,
) -> bool {
    let number =
        |form: &Number, page: &[u8], at: usize, out: &mut Scaled| read_avx512(form, page, at, out);
    form.read_by(page, at, out, &number).is_some()
}

/// Reads a number of more digits; says whether it is a usual one.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
fn read_long(chunk: &[u8; CHUNK], len: usize, out: &mut Scaled) -> bool {
    let value = number_of(chunk, len);
    *out = Scaled { bits: value.to_bits(), ..Scaled::default() };
    !value.is_nan()
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_half(chunk: &[u8; CHUNK / 2]) -> __m128i {
    // SAFETY: the reference is to 16 bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(chunk.as_ptr().cast()) }
}

/// [`read_avx512`] for tests.
#[cfg(test)]
pub(super) fn read_by(_: Avx512, form: &Number, page: &[u8], at: usize, out: &mut Scaled) -> bool {
    // SAFETY: there is an `Avx512` only where the CPU has all these features.
    unsafe { read_avx512(form, page, at, out) }
}
