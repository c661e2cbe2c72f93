//! Compiling the lowered tree with `regex-automata`, within limits of memory.

use regex_automata::meta;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, Look};

use crate::error::{Error, ErrorKind};

/// The most memory of a compiled program, in bytes.
///
/// Go has room for 3.3 million instructions; most of what that allows and this does not are large
/// Unicode classes, repeated hundreds of times.
const MAX_PROGRAM: usize = 32 << 20;
/// The most memory of the automaton that is built while searching; it is flushed when full.
const MAX_CACHE: usize = 1 << 20;

/// A compiled program; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    program: meta::Regex,
    /// Whether an empty match can lie inside of a character, where `\B` holds between bytes.
    splits_characters: bool,
}

impl Engine {
    /// Compiles the tree; `pattern` is quoted by the error if it is too large.
    pub(crate) fn compile(hir: &Hir, pattern: &str) -> Result<Self, Error> {
        let config = meta::Config::new()
            .nfa_size_limit(Some(MAX_PROGRAM))
            .onepass_size_limit(Some(MAX_CACHE))
            .hybrid_cache_capacity(MAX_CACHE);
        meta::Builder::new()
            .configure(config)
            .build_from_hir(hir)
            .map(|program| Self {
                program,
                splits_characters: hir.properties().look_set().contains(Look::WordAsciiNegate),
            })
            .map_err(|_| Error::new(ErrorKind::TooLarge, pattern, None))
    }

    /// Whether the program matches somewhere in the text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        if self.splits_characters {
            // The leftmost match is looked for, since the one that ends first may be no match: it can
            // lie inside of a character that a match to the left of it consumes.
            return self.program.search(&Input::new(text)).is_some();
        }
        self.program.is_match(text)
    }

    /// Whether the program, which is anchored at both ends, matches.
    pub(crate) fn is_full_match(&self, text: &str) -> bool {
        self.program.is_match(Input::new(text).anchored(Anchored::Yes))
    }

    /// The spans of the groups of the first match that starts at `from` or later.
    pub(crate) fn captures(&self, text: &str, from: usize) -> Option<Vec<Option<(usize, usize)>>> {
        let mut captures = self.program.create_captures();
        self.program.search_captures(&Input::new(text).range(from..), &mut captures);
        let spans = |i| captures.get_group(i).map(|span| (span.start, span.end));
        captures.is_match().then(|| (0..captures.group_len()).map(spans).collect())
    }
}

/// The tree between the beginning and the end of the text.
pub(crate) fn between_ends(hir: Hir) -> Hir {
    Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)])
}
