//! Ascending numbers in an array: what one has of others, by lookups or side by side.

use super::runs::Run;

/// From this ratio of lengths on, the shorter array is looked up in the longer one.
pub(super) const GALLOP_FROM: usize = 32;
/// So many numbers of an array are compared with one at once.
const BLOCK: usize = 16;

pub(super) fn insert_in_array(array: &mut Vec<u16>, low: u16) -> bool {
    let at = match array.last() {
        Some(last) if *last < low => array.len(),
        _ => match array.binary_search(&low) {
            Ok(_) => return false,
            Err(at) => at,
        },
    };
    if array.len() == array.capacity() {
        array.reserve_exact(1 + array.len() / 2);
    }
    array.insert(at, low);
    true
}

/// The numbers for which `is_kept` holds, without a branch for each.
pub(super) fn keep(array: &[u16], is_kept: impl Fn(u16) -> bool) -> Vec<u16> {
    let mut kept = array.to_vec();
    let mut count = 0;
    for low in array {
        kept[count] = *low;
        count += usize::from(is_kept(*low));
    }
    kept.truncate(count);
    kept
}

/// The parts of the array that lie in the runs.
pub(super) fn slices_in<'a>(
    mut array: &'a [u16],
    runs: &'a [Run],
) -> impl Iterator<Item = &'a [u16]> {
    runs.iter().map_while(move |run| {
        if array.is_empty() {
            return None;
        }
        array = &array[gallop(array, run.first)..];
        let end = match run.last.checked_add(1) {
            None => array.len(),
            Some(end) => gallop(array, end),
        };
        let (inside, rest) = array.split_at(end);
        array = rest;
        Some(inside)
    })
}

/// The part of the array that lies in the run.
pub(super) fn array_in(array: &[u16], run: Run) -> &[u16] {
    let array = &array[array.partition_point(|low| *low < run.first)..];
    &array[..array.partition_point(|low| *low <= run.last)]
}

/// How many numbers are below `bound`; fast if they are few.
pub(super) fn gallop(array: &[u16], bound: u16) -> usize {
    let mut step = 1;
    while step < array.len() && array[step] < bound {
        step *= 2;
    }
    let from = step / 2;
    let to = (step + 1).min(array.len());
    from + array[from..to].partition_point(|low| *low < bound)
}

fn by_length<'a>(a: &'a [u16], b: &'a [u16]) -> (&'a [u16], &'a [u16]) {
    if a.len() <= b.len() { (a, b) } else { (b, a) }
}

pub(super) fn arrays_and(a: &[u16], b: &[u16]) -> Vec<u16> {
    let (few, mut many) = by_length(a, b);
    let mut both = Vec::with_capacity(few.len());
    if GALLOP_FROM * few.len() < many.len() {
        for low in few {
            many = &many[gallop(many, *low)..];
            if many.first() == Some(low) {
                both.push(*low);
            }
        }
        return both;
    }
    for low in few {
        // Whole blocks are passed by their last number, and one is counted through without a branch.
        while let Some((block, rest)) = many.split_first_chunk::<BLOCK>() {
            if *low <= block[BLOCK - 1] {
                let below = block.iter().map(|other| u16::from(other < low)).sum::<u16>();
                if block[usize::from(below)] == *low {
                    both.push(*low);
                }
                break;
            }
            many = rest;
        }
        if many.len() < BLOCK {
            many = &many[gallop(many, *low)..];
            if many.first() == Some(low) {
                both.push(*low);
            }
        }
    }
    both
}

pub(super) fn arrays_are_disjoint(a: &[u16], b: &[u16]) -> bool {
    let (few, mut many) = by_length(a, b);
    few.iter().all(|low| {
        many = &many[gallop(many, *low)..];
        many.first() != Some(low)
    })
}

pub(super) fn array_and_not(a: &[u16], mut b: &[u16]) -> Vec<u16> {
    let mut rest = Vec::with_capacity(a.len());
    if GALLOP_FROM * a.len() < b.len() {
        for low in a {
            b = &b[gallop(b, *low)..];
            if b.first() != Some(low) {
                rest.push(*low);
            }
        }
        return rest;
    }
    rest.resize(a.len(), 0);
    let (mut x, mut y, mut count) = (0, 0, 0);
    while x < a.len() && y < b.len() {
        let (one, other) = (a[x], b[y]);
        rest[count] = one;
        count += usize::from(one < other);
        x += usize::from(one <= other);
        y += usize::from(other <= one);
    }
    rest.truncate(count);
    rest.extend_from_slice(&a[x..]);
    rest
}
