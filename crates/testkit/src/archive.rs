//! A second decoder of archive chunks, written from `docs/formats/chunk-archive.md` alone.
//!
//! It knows nothing of `skopos-chunk` and shares no line with it, so that a mistake would have to be
//! made twice. It reads bit by bit, and keeps whole columns in memory.

/// What a chunk holds, one number for each sample in each column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchiveColumns {
    /// The times in milliseconds.
    pub times: Vec<i64>,
    /// The values' bits.
    pub values: Vec<u64>,
    /// The start times in milliseconds, if the chunk has them.
    pub starts: Option<Vec<i64>>,
}

/// What an archive chunk holds.
///
/// ```
/// use skopos_testkit::archive;
///
/// let empty = archive::decode(&[0xa1, 0, 0, 0]).unwrap();
/// assert!(empty.times.is_empty());
/// assert_eq!(archive::decode(&[0xa1, 0, 1, 0]).unwrap_err(), "ends too early");
/// ```
///
/// # Errors
///
/// What rule of the document the chunk violates.
pub fn decode(chunk: &[u8]) -> Result<ArchiveColumns, &'static str> {
    let mut bytes = Bytes { rest: chunk };
    require(bytes.u8()? == 0xa1, "version")?;
    let flags = bytes.u8()?;
    require(flags <= 1, "flags")?;
    let low = usize::from(bytes.u8()?);
    let n = low + 256 * usize::from(bytes.u8()?);
    let mut columns = ArchiveColumns::default();
    if flags == 1 {
        columns.starts = Some(Vec::new());
    }
    if n != 0 {
        columns.times = signed(&integer_column(&mut bytes, n)?);
        columns.values = float_column(&mut bytes, n)?;
        if flags == 1 {
            columns.starts = Some(signed(&integer_column(&mut bytes, n)?));
        }
    }
    require(bytes.rest.is_empty(), "bytes behind the last column")?;
    Ok(columns)
}

fn require(holds: bool, rule: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(rule) }
}

fn signed(integers: &[u64]) -> Vec<i64> {
    integers.iter().map(|x| *x as i64).collect()
}

fn unzigzag(z: u64) -> u64 {
    if z.is_multiple_of(2) { z / 2 } else { (z / 2).wrapping_add(1).wrapping_neg() }
}

/// Bytes that are read from the front.
struct Bytes<'a> {
    rest: &'a [u8],
}

impl Bytes<'_> {
    fn u8(&mut self) -> Result<u8, &'static str> {
        let (first, rest) = self.rest.split_first().ok_or("ends too early")?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, len: usize) -> Result<Vec<u8>, &'static str> {
        (0..len).map(|_| self.u8()).collect()
    }

    fn uvarint(&mut self) -> Result<u64, &'static str> {
        let mut value = 0_u128;
        for group in 0..10 {
            let byte = self.u8()?;
            value += u128::from(byte % 128) << (7 * group);
            if byte < 128 {
                return u64::try_from(value).map_err(|_| "an integer of more than 64 bits");
            }
        }
        Err("an integer of more than 10 bytes")
    }

    fn varint(&mut self) -> Result<u64, &'static str> {
        self.uvarint().map(unzigzag)
    }

    /// A sequence of `n` numbers of `w` bits.
    fn sequence(&mut self, n: usize, w: usize) -> Result<Vec<u64>, &'static str> {
        let mut bits = Bits::new(&self.take((n * w).div_ceil(8))?);
        (0..n).map(|_| bits.number(w)).collect()
    }
}

/// Bits that are read from the least significant one of the first byte on.
struct Bits {
    bits: Vec<bool>,
    at: usize,
}

impl Bits {
    fn new(bytes: &[u8]) -> Self {
        let of_byte = |byte: &u8| {
            let byte = *byte;
            (0..8).map(move |bit| byte >> bit & 1 == 1)
        };
        Self { bits: bytes.iter().flat_map(of_byte).collect(), at: 0 }
    }

    fn number(&mut self, w: usize) -> Result<u64, &'static str> {
        let mut number = 0;
        for place in 0..w {
            let bit = self.bits.get(self.at).ok_or("ends too early")?;
            number |= u64::from(*bit) << place;
            self.at += 1;
        }
        Ok(number)
    }
}

fn integer_column(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<u64>, &'static str> {
    let head = bytes.u8()?;
    require(head < 16, "head of a column")?;
    let (prediction, form) = (head % 4, head / 4);
    let first = bytes.varint()?;
    let factor = bytes.uvarint()?;
    require(1 <= factor && (prediction != 3 || factor == 1), "factor")?;
    let slope = if prediction == 0 || prediction == 2 { bytes.varint()? } else { 0 };
    let base = bytes.varint()?;
    let m = match prediction {
        0 => n,
        2 => n.saturating_sub(2),
        _ => n - 1,
    };
    let r = match form {
        0 => vec![base; m],
        1 => packed(bytes, base, m)?,
        2 => sparse(bytes, base, m)?,
        _ => entropy_coded(bytes, base, m)?,
    };
    let mut y: Vec<u64> = Vec::new();
    for i in 0..n {
        let next = match (prediction, i) {
            (0, _) => slope.wrapping_mul(i as u64).wrapping_add(r[i]),
            (3, 0) => first,
            (3, _) => y[i - 1] ^ r[i - 1],
            (_, 0) => 0,
            (1, _) => y[i - 1].wrapping_add(r[i - 1]),
            (_, 1) => slope,
            (_, _) => y[i - 1].wrapping_mul(2).wrapping_sub(y[i - 2]).wrapping_add(r[i - 2]),
        };
        y.push(next);
    }
    if prediction == 3 {
        return Ok(y);
    }
    Ok(y.iter().map(|y| first.wrapping_add(factor.wrapping_mul(*y))).collect())
}

fn packed(bytes: &mut Bytes<'_>, base: u64, m: usize) -> Result<Vec<u64>, &'static str> {
    let mut residuals = Vec::new();
    while residuals.len() < m {
        let len = (m - residuals.len()).min(128);
        let head = bytes.u8()?;
        let w = usize::from(head % 128);
        require(w <= 64, "width of a block")?;
        let base = base.wrapping_add(bytes.varint()?);
        let (mut places, mut patches) = (Vec::new(), Vec::new());
        if 128 <= head {
            let count = usize::from(bytes.u8()?);
            require(1 <= count && count <= len, "count of patches")?;
            let p = usize::from(bytes.u8()?);
            require((1..=64).contains(&p), "width of patches")?;
            places = bytes.take(count)?;
            for (i, place) in places.iter().enumerate() {
                require(usize::from(*place) < len, "place of a patch")?;
                require(i == 0 || places[i - 1] < *place, "order of patches")?;
            }
            patches = bytes.sequence(count, p)?;
        }
        let numbers = if len == 128 { lanes(bytes, w)? } else { bytes.sequence(len, w)? };
        let mut block: Vec<u64> = numbers.iter().map(|number| base.wrapping_add(*number)).collect();
        for (place, z) in places.iter().zip(patches) {
            block[usize::from(*place)] = base.wrapping_add(unzigzag(z));
        }
        residuals.extend(block);
    }
    Ok(residuals)
}

/// 128 numbers of `w` bits in four lanes.
fn lanes(bytes: &mut Bytes<'_>, w: usize) -> Result<Vec<u64>, &'static str> {
    if 32 < w {
        let upper = plane(&bytes.take(16 * (w - 32))?, w - 32);
        let lower = plane(&bytes.take(16 * 32)?, 32);
        return Ok(upper.iter().zip(lower).map(|(upper, lower)| upper << 32 | lower).collect());
    }
    Ok(plane(&bytes.take(16 * w)?, w))
}

fn plane(bytes: &[u8], w: usize) -> Vec<u64> {
    let bit_of_lane = |lane: usize, bit: usize| {
        let (row, bit) = (bit / 32, bit % 32);
        let word = 16 * row + 4 * lane;
        u64::from(bytes[word + bit / 8] >> (bit % 8) & 1)
    };
    let number = |i: usize| {
        let bits = (0..w).map(|bit| bit_of_lane(i % 4, w * (i / 4) + bit) << bit);
        bits.sum()
    };
    (0..128).map(number).collect()
}

fn sparse(bytes: &mut Bytes<'_>, base: u64, m: usize) -> Result<Vec<u64>, &'static str> {
    let count = bytes.uvarint()?;
    let w = usize::from(bytes.u8()?);
    require(1 <= count && count < m as u64, "count of entries")?;
    require((1..=64).contains(&w), "width of entries")?;
    let mut places = Vec::new();
    let mut next = 0_u128;
    for _ in 0..count {
        let place = next + u128::from(bytes.uvarint()?);
        require(place < m as u128, "place of an entry")?;
        places.push(place as usize);
        next = place + 1;
    }
    let mut residuals = vec![base; m];
    for (place, z) in places.iter().zip(bytes.sequence(places.len(), w)?) {
        residuals[*place] = base.wrapping_add(unzigzag(z));
    }
    Ok(residuals)
}

struct Bin {
    weight: u64,
    offset_width: usize,
    lower: u64,
}

/// A row of the table of states.
struct Row {
    bin: usize,
    state_bits: usize,
    next: u64,
}

fn entropy_coded(bytes: &mut Bytes<'_>, base: u64, m: usize) -> Result<Vec<u64>, &'static str> {
    let log = usize::from(bytes.u8()?);
    require((4..=12).contains(&log) && 1 <= m, "size of the table")?;
    let k = usize::from(bytes.u8()?) + 1;
    let g = usize::from(bytes.u8()?);
    require(g <= 64, "width of differences")?;
    let mut bits = Bits::new(&bytes.take((k * (log + 7 + g)).div_ceil(8))?);
    let mut bins = Vec::new();
    let mut lower = base;
    for _ in 0..k {
        let weight = bits.number(log)? + 1;
        let offset_width = bits.number(7)? as usize;
        lower = lower.wrapping_add(bits.number(g)?);
        require(offset_width <= 64, "offset width")?;
        bins.push(Bin { weight, offset_width, lower });
    }
    let size = 1_u64 << log;
    require(bins.iter().map(|bin| bin.weight).sum::<u64>() == size, "sum of weights")?;
    let table = table(&bins, log);

    let mut bits = Bits::new(bytes.rest);
    let mut states = Vec::new();
    for _ in 0..4 {
        states.push(bits.number(log)?);
    }
    let mut residuals = Vec::new();
    for j in 0..m {
        let row = &table[states[j % 4] as usize];
        let s = bits.number(row.state_bits)?;
        let bin = &bins[row.bin];
        residuals.push(bin.lower.wrapping_add(bits.number(bin.offset_width)?));
        states[j % 4] = row.next + s;
    }
    require(states == [0, 0, 0, 0], "states at the end")?;
    bytes.take(bits.at.div_ceil(8))?;
    Ok(residuals)
}

fn table(bins: &[Bin], log: usize) -> Vec<Row> {
    let size = 1_usize << log;
    let mut bin_of_state = vec![0; size];
    let mut state = 0;
    for (i, bin) in bins.iter().enumerate() {
        for _ in 0..bin.weight {
            bin_of_state[state] = i;
            state = (state + size / 2 + size / 8 + 3) % size;
        }
    }
    let mut counters: Vec<u64> = bins.iter().map(|bin| bin.weight).collect();
    let mut rows = Vec::new();
    for bin in bin_of_state {
        let c = counters[bin];
        counters[bin] += 1;
        let state_bits = log - c.ilog2() as usize;
        rows.push(Row { bin, state_bits, next: (c << state_bits) - size as u64 });
    }
    rows
}

fn float_column(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<u64>, &'static str> {
    let form = bytes.u8()?;
    if form == 0x40 {
        let sign = 1 << 63;
        let value_of = |x: &u64| if x & sign == 0 { *x } else { sign | !x };
        return Ok(integer_column(bytes, n)?.iter().map(value_of).collect());
    }
    require(form <= 22, "form of values")?;
    let n_runs = bytes.uvarint()?;
    require(n_runs <= n as u64, "count of runs")?;
    let mut special = vec![None; n];
    let mut next = 0_u128;
    for _ in 0..n_runs {
        let start = next + u128::from(bytes.uvarint()?);
        let end = start + u128::from(bytes.uvarint()?) + 1;
        let bits = (0..8).try_fold(0, |bits, i| Ok(bits | u64::from(bytes.u8()?) << (8 * i)))?;
        require(end <= n as u128, "end of a run")?;
        for place in start..end {
            special[place as usize] = Some(bits);
        }
        next = end;
    }
    let mut power = 1.0;
    for _ in 0..form {
        power *= 10.0;
    }
    let decimal = |x: &u64| (*x as i64 as f64 / power).to_bits();
    let decimals = integer_column(bytes, n)?;
    Ok(decimals.iter().zip(special).map(|(x, special)| special.unwrap_or(decimal(x))).collect())
}
