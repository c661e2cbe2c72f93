//! Known lines by AVX-512.
#![expect(unsafe_code, reason = "SIMD loads, and calls behind a check of the CPU")]

use core::arch::x86_64::{__m512i, _bzhi_u64, _mm512_cmpneq_epi8_mask, _mm512_loadu_si512};

use super::super::ending::{read_avx512, read_behind_avx512};
use super::{Ahead, Batch};
use crate::number::avx512::Avx512;

const BLOCK: usize = 64;

/// Finds known lines by AVX-512.
pub(super) fn fill_avx512(_: Avx512, batch: &mut Batch, ahead: Ahead<'_>) -> usize {
    // SAFETY: there is an `Avx512` only where the CPU has all these features.
    unsafe { fill(batch, ahead) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
fn fill(batch: &mut Batch, ahead: Ahead<'_>) -> usize {
    batch.fill_by(
        ahead,
        |rest, text, len| begins(rest, text, len),
        |form, page, at, out| read_avx512(form, page, at, out),
        |form, page, at, out| read_behind_avx512(form, page, at, out),
    )
}

/// Whether both have the same first bytes; no where there are too few bytes behind them to load.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn begins(rest: &[u8], text: &[u8], len: usize) -> bool {
    let (rest, text) = (rest.as_chunks::<BLOCK>().0, text.as_chunks::<BLOCK>().0);
    let ([first, second, rest @ ..], [one, two, text @ ..]) = (rest, text) else { return false };
    let left = len.saturating_sub(BLOCK);
    let mut different = _bzhi_u64(differences(first, one), len.min(BLOCK) as u32)
        | _bzhi_u64(differences(second, two), left.min(BLOCK) as u32);
    if 2 * BLOCK < len {
        let left = len - 2 * BLOCK;
        let blocks = rest.iter().zip(text).take(left / BLOCK);
        different = blocks.fold(different, |sum, (a, b)| sum | differences(a, b));
        let (Some(a), Some(b)) = (rest.get(left / BLOCK), text.get(left / BLOCK)) else {
            return false;
        };
        different |= _bzhi_u64(differences(a, b), (left % BLOCK) as u32);
    }
    different == 0
}

/// Where two blocks differ.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn differences(a: &[u8; BLOCK], b: &[u8; BLOCK]) -> u64 {
    _mm512_cmpneq_epi8_mask(load(a), load(b))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the reference is to 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}
