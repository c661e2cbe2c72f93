//! Where in HTML a place of a template is: what decides how a value must be escaped there.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::error::{Error, ErrorKind};

/// Defines an enum whose variants have the names that messages show.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($variant),* }

        impl $name {
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

named! {
    /// Which part of which language.
    State {
        Text => "stateText",
        Tag => "stateTag",
        AttrName => "stateAttrName",
        AfterName => "stateAfterName",
        BeforeValue => "stateBeforeValue",
        Comment => "stateHTMLCmt",
        Rcdata => "stateRCDATA",
        Attr => "stateAttr",
        Url => "stateURL",
        Srcset => "stateSrcset",
        Js => "stateJS",
        JsDoubleQuoted => "stateJSDqStr",
        JsSingleQuoted => "stateJSSqStr",
        JsTemplate => "stateJSTmplLit",
        JsRegexp => "stateJSRegexp",
        JsBlockComment => "stateJSBlockCmt",
        JsLineComment => "stateJSLineCmt",
        JsHtmlOpenComment => "stateJSHTMLOpenCmt",
        JsHtmlCloseComment => "stateJSHTMLCloseCmt",
        Css => "stateCSS",
        CssDoubleQuoted => "stateCSSDqStr",
        CssSingleQuoted => "stateCSSSqStr",
        CssDoubleQuotedUrl => "stateCSSDqURL",
        CssSingleQuotedUrl => "stateCSSSqURL",
        CssUrl => "stateCSSURL",
        CssBlockComment => "stateCSSBlockCmt",
        CssLineComment => "stateCSSLineCmt",
        Error => "stateError",
        MetaContent => "stateMetaContent",
        MetaContentUrl => "stateMetaContentURL",
        Dead => "stateDead",
    }
}

named! {
    /// What ends the attribute's value.
    Delim {
        None => "delimNone",
        DoubleQuote => "delimDoubleQuote",
        SingleQuote => "delimSingleQuote",
        SpaceOrTagEnd => "delimSpaceOrTagEnd",
    }
}

named! {
    /// Which part of a URL.
    UrlPart {
        None => "urlPartNone",
        PreQuery => "urlPartPreQuery",
        QueryOrFragment => "urlPartQueryOrFrag",
        Unknown => "urlPartUnknown",
    }
}

named! {
    /// What a slash in a script begins.
    Slash {
        Regexp => "jsCtxRegexp",
        Division => "jsCtxDivOp",
        Unknown => "jsCtxUnknown",
    }
}

named! {
    /// The attribute whose value is about to begin.
    Attr {
        None => "attrNone",
        Script => "attrScript",
        ScriptType => "attrScriptType",
        Style => "attrStyle",
        Url => "attrURL",
        Srcset => "attrSrcset",
        MetaContent => "attrMetaContent",
    }
}

named! {
    /// The elements whose content or attributes are special.
    Element {
        None => "elementNone",
        Script => "elementScript",
        Style => "elementStyle",
        Textarea => "elementTextarea",
        Title => "elementTitle",
        Meta => "elementMeta",
    }
}

impl State {
    pub(super) fn is_comment(self) -> bool {
        matches!(
            self,
            Self::Comment
                | Self::JsBlockComment
                | Self::JsLineComment
                | Self::JsHtmlOpenComment
                | Self::JsHtmlCloseComment
                | Self::CssBlockComment
                | Self::CssLineComment
        )
    }

    pub(super) fn is_in_tag(self) -> bool {
        matches!(
            self,
            Self::Tag | Self::AttrName | Self::AfterName | Self::BeforeValue | Self::Attr
        )
    }

    pub(super) fn is_script_literal(self) -> bool {
        matches!(
            self,
            Self::JsDoubleQuoted | Self::JsSingleQuoted | Self::JsTemplate | Self::JsRegexp
        )
    }
}

impl Delim {
    /// The bytes that end a value.
    pub(super) fn ends(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::DoubleQuote => b"\"",
            Self::SingleQuote => b"'",
            Self::SpaceOrTagEnd => b" \t\n\x0c\r>",
        }
    }
}

impl Attr {
    /// The state in which its value begins.
    pub(super) fn start(self) -> State {
        match self {
            Self::None | Self::ScriptType => State::Attr,
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Url => State::Url,
            Self::Srcset => State::Srcset,
            Self::MetaContent => State::MetaContent,
        }
    }
}

impl Element {
    /// The state of its content.
    pub(super) fn content(self) -> State {
        match self {
            Self::None | Self::Meta => State::Text,
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Textarea | Self::Title => State::Rcdata,
        }
    }

    /// The name in the tag that alone ends its content.
    pub(super) fn end_tag(self) -> &'static [u8] {
        match self {
            Self::None | Self::Meta => b"",
            Self::Script => b"script",
            Self::Style => b"style",
            Self::Textarea => b"textarea",
            Self::Title => b"title",
        }
    }
}

/// The context of a place.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) state: State,
    pub(super) delim: Delim,
    pub(super) url_part: UrlPart,
    pub(super) slash: Slash,
    /// For each template literal that a script is inside of, how many braces are open in it. Whether
    /// there ever was one shows in names.
    pub(super) braces: Option<Vec<i64>>,
    pub(super) attr: Attr,
    pub(super) element: Element,
    /// What went wrong, in the state of an error. Shared, since what is found out later about a failure
    /// is told wherever it is.
    pub(super) failure: Option<Rc<RefCell<Failure>>>,
}

/// The start of a document.
impl Default for Context {
    fn default() -> Self {
        Self {
            state: State::Text,
            delim: Delim::None,
            url_part: UrlPart::None,
            slash: Slash::Regexp,
            braces: None,
            attr: Attr::None,
            element: Element::None,
            failure: None,
        }
    }
}

impl Context {
    pub(super) fn of(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    #[cold]
    pub(super) fn failed(description: String) -> Self {
        Self::failure(Failure { description, place: None, line: 0, is_limit: false })
    }

    #[cold]
    pub(super) fn failure(failure: Failure) -> Self {
        Self { failure: Some(Rc::new(RefCell::new(failure))), ..Self::of(State::Error) }
    }

    pub(super) fn is_error(&self) -> bool {
        self.state == State::Error
    }

    /// Whether a value is escaped in the same way in both.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.state == other.state
            && self.delim == other.delim
            && self.url_part == other.url_part
            && self.slash == other.slash
            && self.braces.as_deref().unwrap_or_default()
                == other.braces.as_deref().unwrap_or_default()
            && self.attr == other.attr
            && self.element == other.element
    }

    /// The context after what may stand between this place and a value without being written.
    pub(super) fn nudged(&self) -> Self {
        let mut context = self.clone();
        match context.state {
            State::Tag => context.state = State::AttrName,
            State::BeforeValue => {
                context.state = context.attr.start();
                context.delim = Delim::SpaceOrTagEnd;
                context.attr = Attr::None;
            }
            State::AfterName => {
                context.state = State::AttrName;
                context.attr = Attr::None;
            }
            _ => {}
        }
        context
    }

    /// The name of a template as it is in this context.
    pub(super) fn mangle(&self, name: &str) -> String {
        if self.state == State::Text {
            return name.to_owned();
        }
        let mut out = format!("{name}$htmltemplate_{}", self.state.name());
        let mut add = |is_default: bool, part: &str| {
            if !is_default {
                out.push('_');
                out.push_str(part);
            }
        };
        add(self.delim == Delim::None, self.delim.name());
        add(self.url_part == UrlPart::None, self.url_part.name());
        add(self.slash == Slash::Regexp, self.slash.name());
        if let Some(braces) = &self.braces {
            add(false, &format!("jsBraceDepth({})", Depths(braces)));
        }
        add(self.attr == Attr::None, self.attr.name());
        add(self.element == Element::None, self.element.name());
        out
    }
}

/// As Go prints the struct.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{{} {} {} {} {} {} {} ",
            self.state.name(),
            self.delim.name(),
            self.url_part.name(),
            self.slash.name(),
            Depths(self.braces.as_deref().unwrap_or_default()),
            self.attr.name(),
            self.element.name(),
        )?;
        match &self.failure {
            Some(failure) => write!(f, "{}}}", failure.borrow().text("")),
            None => f.write_str("<nil>}"),
        }
    }
}

/// Numbers as Go prints a slice of them.
struct Depths<'a>(&'a [i64]);

impl fmt::Display for Depths<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, depth) in self.0.iter().enumerate() {
            write!(f, "{}{depth}", if i == 0 { "" } else { " " })?;
        }
        f.write_str("]")
    }
}

/// Why escaping is not possible.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) description: String,
    /// The name of the text, the line and the byte in it, where a node is to blame.
    pub(super) place: Option<(String, usize, usize)>,
    /// The line where it is known without a node; 0 otherwise.
    pub(super) line: usize,
    pub(super) is_limit: bool,
}

impl Failure {
    /// The message, for the template of a name.
    fn text(&self, name: &str) -> String {
        let description = &self.description;
        match &self.place {
            Some((name, line, column)) => {
                format!("html/template:{name}:{line}:{column}: {description}")
            }
            None if self.line != 0 => format!("html/template:{name}:{}: {description}", self.line),
            None if !name.is_empty() => format!("html/template:{name}: {description}"),
            None => format!("html/template: {description}"),
        }
    }

    /// Adds where in a loop it shows.
    pub(super) fn in_loop(&mut self, line: usize, place: &str) {
        self.line = line;
        self.description = format!("{place}: {}", self.description);
    }

    /// The error that escaping the template `name` ends with.
    #[cold]
    pub(super) fn to_error(&self, name: &str) -> Error {
        let kind = if self.is_limit { ErrorKind::Limit } else { ErrorKind::Escape };
        let message = self.text(name);
        match &self.place {
            Some((_, line, column)) => Error::escape(kind, *line, Some(*column), message),
            None => Error::escape(kind, self.line.max(1), None, message),
        }
    }
}
