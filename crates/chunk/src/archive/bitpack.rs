//! Integers of equal width side by side: 128 at a time in four lanes, or in sequence.
//!
//! The four lanes are for compilers: each row of four values is shifted and masked as one vector.
//! There is one kernel for each width up to 32, so that all shifts are constants; wider values are
//! two planes. Groups of fewer than 128 values lie in sequence.

use alloc::vec::Vec;

use super::{BLOCK, Block};

/// Values side by side in a row.
const LANES: usize = 4;
/// Bytes of a row of words.
const ROW_BYTES: usize = LANES * 4;
/// The widest plane.
const PLANE_BITS: u32 = 32;

/// How many bytes `len` values of `width` bits take.
pub(super) fn packed_len(len: usize, width: u32) -> usize {
    len.wrapping_mul(width as usize).div_ceil(8)
}

/// The bits that a value needs.
pub(super) fn width_of(value: u64) -> u32 {
    u64::BITS.wrapping_sub(value.leading_zeros())
}

/// Puts the values of a whole packed block, with `base` added, into `block`. `packed` has the length
/// that [`packed_len`] tells, `width` is at most 64.
pub(super) fn unpack_block(packed: &[u8], width: u32, base: u64, block: &mut Block) {
    if width <= PLANE_BITS {
        unpack_plane(packed, width, base, block);
        return;
    }
    let high_width = width.wrapping_sub(PLANE_BITS);
    let (highs, lows) = packed.split_at(packed_len(BLOCK, high_width).min(packed.len()));
    unpack_plane(highs, high_width, 0, block);
    for (out, low) in block.iter_mut().zip(lows.as_chunks::<4>().0) {
        let low = u64::from(u32::from_le_bytes(*low));
        *out = base.wrapping_add(*out << PLANE_BITS | low);
    }
}

/// Packs a whole block of values below 2^`width`.
pub(super) fn pack_block(block: &Block, width: u32, packed: &mut Vec<u8>) {
    if width <= PLANE_BITS {
        pack_plane(block, 0, width, packed);
    } else {
        pack_plane(block, PLANE_BITS, width.wrapping_sub(PLANE_BITS), packed);
        pack_plane(block, 0, PLANE_BITS, packed);
    }
}

fn pack_plane(block: &Block, shift: u32, width: u32, packed: &mut Vec<u8>) {
    let start = packed.len();
    packed.resize(start.wrapping_add(packed_len(BLOCK, width)), 0);
    let words = packed.split_at_mut(start).1.as_chunks_mut::<4>().0;
    for (i, v) in block.iter().enumerate() {
        // The value's place in its lane's stream of words.
        let (row, lane) = (i / LANES, i % LANES);
        let bit = row.wrapping_mul(width as usize);
        let spread = ((v >> shift) & low_bits(width)) << (bit % 32);
        for (k, half) in [spread as u32, (spread >> 32) as u32].into_iter().enumerate() {
            let at = (bit / 32).wrapping_add(k).wrapping_mul(LANES).wrapping_add(lane);
            if let Some(word) = words.get_mut(at).filter(|_| half != 0) {
                *word = (u32::from_le_bytes(*word) | half).to_le_bytes();
            }
        }
    }
}

/// A number with the lowest `width` bits set.
pub(super) fn low_bits(width: u32) -> u64 {
    u64::MAX.checked_shr(64_u32.saturating_sub(width)).unwrap_or(0)
}

/// Kernels by width.
const KERNELS: [fn(&[u8], u64, &mut Block); 33] = [
    unpack_rows::<0>,
    unpack_rows::<1>,
    unpack_rows::<2>,
    unpack_rows::<3>,
    unpack_rows::<4>,
    unpack_rows::<5>,
    unpack_rows::<6>,
    unpack_rows::<7>,
    unpack_rows::<8>,
    unpack_rows::<9>,
    unpack_rows::<10>,
    unpack_rows::<11>,
    unpack_rows::<12>,
    unpack_rows::<13>,
    unpack_rows::<14>,
    unpack_rows::<15>,
    unpack_rows::<16>,
    unpack_rows::<17>,
    unpack_rows::<18>,
    unpack_rows::<19>,
    unpack_rows::<20>,
    unpack_rows::<21>,
    unpack_rows::<22>,
    unpack_rows::<23>,
    unpack_rows::<24>,
    unpack_rows::<25>,
    unpack_rows::<26>,
    unpack_rows::<27>,
    unpack_rows::<28>,
    unpack_rows::<29>,
    unpack_rows::<30>,
    unpack_rows::<31>,
    unpack_rows::<32>,
];

fn unpack_plane(packed: &[u8], width: u32, base: u64, block: &mut Block) {
    if let Some(kernel) = KERNELS.get(width as usize) {
        kernel(packed, base, block);
    }
}

/// Unpacks rows of values of `W` bits; leaves them alone if there are not `W` rows of words.
#[expect(
    clippy::indexing_slicing,
    reason = "the places are constants once the loop is unrolled, below W and 32"
)]
fn unpack_rows<const W: usize>(packed: &[u8], base: u64, block: &mut Block) {
    if W == 0 {
        block.fill(base);
        return;
    }
    let Some(words) = packed.as_chunks::<ROW_BYTES>().0.first_chunk::<W>() else { return };
    let rows = block.as_chunks_mut::<LANES>().0;
    let mask = low_bits(W as u32) as u32;
    macro_rules! rows {
        ($($row:literal)*) => {$({
            const ROW: usize = $row;
            let (word, shift) = (ROW * W / 32, ROW * W % 32);
            let mut values = load(&words[word]).map(|v| v >> shift);
            if 32 < shift + W {
                let next = load(&words[word + 1]);
                for (value, next) in values.iter_mut().zip(next) {
                    *value |= next << (32 - shift);
                }
            }
            rows[ROW] = values.map(|v| base.wrapping_add(u64::from(v & mask)));
        })*};
    }
    rows!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
}

#[inline]
fn load(row: &[u8; ROW_BYTES]) -> [u32; LANES] {
    let mut words = [0; LANES];
    for (word, bytes) in words.iter_mut().zip(row.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

/// Bits of a sequence, the least significant of each byte first; zeros behind its end.
#[inline]
pub(super) fn peek(bytes: &[u8], bit: usize) -> u64 {
    let at = bit >> 3;
    let word = match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => last_word(bytes, at),
    };
    word >> (bit & 7)
}

#[cold]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// The `width` bits, at most 64, from `bit` on.
#[inline]
pub(super) fn bits_at(bytes: &[u8], bit: usize, width: u32) -> u64 {
    let mut value = peek(bytes, bit);
    if 57 <= width {
        // One word may hold 57 bits only.
        value = (value & low_bits(32)) | (peek(bytes, bit.wrapping_add(32)) << 32);
    }
    value & low_bits(width)
}

/// Writes a sequence of bits.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    /// Below 8 between calls.
    n_pending: u32,
}

impl BitWriter {
    /// Appends the lowest `width` bits of `value`, which has no others.
    pub(super) fn push(&mut self, value: u64, width: u32) {
        if 56 < width {
            self.push(value & low_bits(32), 32);
            self.push(value >> 32, width.wrapping_sub(32));
            return;
        }
        self.pending |= value << self.n_pending;
        self.n_pending = self.n_pending.wrapping_add(width);
        while 8 <= self.n_pending {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.n_pending = self.n_pending.wrapping_sub(8);
        }
    }

    /// The bytes, the last one filled up with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if 0 < self.n_pending {
            self.bytes.push(self.pending as u8);
        }
        self.bytes
    }
}
