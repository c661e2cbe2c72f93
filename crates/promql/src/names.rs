//! Tables of names that are known when the crate is compiled: keywords, functions.
//!
//! A name is looked up by its length and three of its bytes, and then compared once or twice, which
//! is cheaper than searching in order: nearly every word of a query is looked up.

/// The places of names in a list, found by hash. `SLOTS` is a power of two.
pub(crate) struct NameTable<const SLOTS: usize> {
    /// One more than the place of a name; 0 where there is none.
    slots: [u8; SLOTS],
    /// The length of the longest name.
    longest: usize,
}

impl<const SLOTS: usize> NameTable<SLOTS> {
    /// The table of these names: fewer than `SLOTS`, and fewer than 255.
    pub(crate) const fn new(names: &[&str]) -> Self {
        let mut table = Self { slots: [0; SLOTS], longest: 0 };
        let mut at = 0;
        while at < names.len() {
            let name = names[at].as_bytes();
            if table.longest < name.len() {
                table.longest = name.len();
            }
            let mut slot = Self::first_slot(name);
            while table.slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            at += 1;
            table.slots[slot] = Self::number(at);
        }
        table
    }

    #[expect(clippy::cast_possible_truncation, reason = "checked, when the crate is compiled")]
    const fn number(n: usize) -> u8 {
        assert!(n < 255, "a table holds fewer names");
        n as u8
    }

    /// The place in the list of the name for which `is_same` holds.
    pub(crate) fn find(&self, name: &str, is_same: impl Fn(usize) -> bool) -> Option<usize> {
        if self.longest < name.len() || name.is_empty() {
            return None;
        }
        let mut slot = Self::first_slot(name.as_bytes());
        loop {
            let at = usize::from(self.slots[slot]).checked_sub(1)?;
            if is_same(at) {
                return Some(at);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// Where to look first; upper and lower case do not differ.
    const fn first_slot(name: &[u8]) -> usize {
        let (first, middle) = (name[0] | 0x20, name[name.len() / 2] | 0x20);
        let last = name[name.len() - 1] | 0x20;
        let mixed = u32::from_le_bytes([first, middle, last, 0]) ^ ((name.len() as u32) << 24);
        (mixed.wrapping_mul(0x9e37_79b1) >> 16) as usize % SLOTS
    }
}
