//! Parsed templates: an alert that goes on is expanded at every evaluation, by the same templates.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::Error;
use crate::template::Template;

/// How many templates are kept; when there are more, all are parsed anew.
const CAPACITY: usize = 10_000;

/// Templates by their names and texts. Copies share what they hold.
#[derive(Clone, Default)]
pub(super) struct Cache {
    templates: Arc<RwLock<Templates>>,
}

#[derive(Default)]
struct Templates {
    by_name: HashMap<Box<str>, HashMap<Box<str>, Arc<Template>>>,
    count: usize,
}

impl Cache {
    /// The template, parsed if it is not known yet. What does not parse is not remembered.
    pub(super) fn get(
        &self,
        name: &str,
        text: &str,
        parse: impl FnOnce() -> Result<Template, Error>,
    ) -> Result<Arc<Template>, Error> {
        let templates = self.templates.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = templates.by_name.get(name).and_then(|texts| texts.get(text)) {
            return Ok(Arc::clone(known));
        }
        drop(templates);
        let template = Arc::new(parse()?);
        let mut templates = self.templates.write().unwrap_or_else(PoisonError::into_inner);
        if templates.count == CAPACITY {
            *templates = Templates::default();
        }
        let texts = templates.by_name.entry(name.into()).or_default();
        let is_new = texts.insert(text.into(), Arc::clone(&template)).is_none();
        templates.count += usize::from(is_new);
        Ok(template)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let templates = self.templates.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Cache").field("count", &templates.count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::NoFunctions;
    use crate::limits::Limits;

    #[test]
    fn a_template_is_parsed_once_and_the_number_is_bounded() {
        let cache = Cache::default();
        let parse = |text: &str| Template::parse("t", text, &NoFunctions, &Limits::default());
        let first = cache.get("t", "{{ 1 }}", || parse("{{ 1 }}")).unwrap();
        let again = cache.get("t", "{{ 1 }}", || unreachable!("it is known")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(cache.get("t", "{{", || parse("{{")).is_err());
        for i in 0..CAPACITY {
            let text = i.to_string();
            cache.get("t", &text, || parse(&text)).unwrap();
        }
        assert_eq!(format!("{cache:?}"), "Cache { count: 1 }");
    }
}
