//! Rules in the shape of configuration files, for `serde`.
//!
//! A field without a value counts as empty, not as absent, as in Prometheus' files; unknown fields
//! are refused.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use skopos_core::text::Quoted;

use crate::config::{Action, RuleConfig};

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(de::Error::custom)
    }
}

/// In Prometheus' order; fields that are empty, and the default expression, are left out.
impl Serialize for RuleConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(names) = self.source_labels.as_ref().filter(|names| !names.is_empty()) {
            map.serialize_entry("source_labels", names)?;
        }
        if !self.separator.is_empty() {
            map.serialize_entry("separator", &self.separator)?;
        }
        if let Some(regex) = &self.regex {
            map.serialize_entry("regex", &(!regex.is_empty()).then_some(regex))?;
        }
        if self.modulus != 0 {
            map.serialize_entry("modulus", &self.modulus)?;
        }
        if !self.target_label.is_empty() {
            map.serialize_entry("target_label", &self.target_label)?;
        }
        if !self.replacement.is_empty() {
            map.serialize_entry("replacement", &self.replacement)?;
        }
        if let Some(action) = self.action {
            map.serialize_entry("action", &action)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RuleConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = File::deserialize(deserializer)?;
        let mut config = Self { action: file.action, ..Self::default() };
        config.modulus = file.modulus.0;
        config.regex = file.regex.map(Option::unwrap_or_default);
        config.target_label = file.target_label.unwrap_or_default();
        config.source_labels =
            file.source_labels.map(|names| names.into_iter().map(|name| name.0).collect());
        if let Some(separator) = file.separator {
            config.separator = separator.unwrap_or_default();
        }
        if let Some(replacement) = file.replacement {
            config.replacement = replacement.unwrap_or_default();
        }
        Ok(config)
    }
}

/// The fields as they are written. The outer option tells whether the field is there, the inner one
/// whether it has a value.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default, rename = "relabel_config")]
struct File {
    #[serde(deserialize_with = "present")]
    separator: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    regex: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    replacement: Option<Option<String>>,
    target_label: Option<String>,
    source_labels: Option<Vec<Name>>,
    modulus: Modulus,
    action: Option<Action>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            separator: None,
            regex: None,
            replacement: None,
            target_label: None,
            source_labels: None,
            modulus: Modulus(0),
            action: Some(Action::Replace),
        }
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The name of a source label: not empty, unless it is not there at all.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            None => Ok(Self(String::new())),
            Some(name) if name.is_empty() => {
                Err(de::Error::custom(format_args!("{} is not a valid label name", Quoted(""))))
            }
            Some(name) => Ok(Self(name)),
        }
    }
}

/// A whole number; of a fraction the part before the point, as Prometheus reads it.
struct Modulus(u64);

impl<'de> Deserialize<'de> for Modulus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Modulus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number that is not negative")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Modulus, E> {
                Ok(Modulus(0))
            }

            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Modulus, E> {
                Ok(Modulus(v))
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Modulus, E> {
                let invalid = || E::invalid_value(de::Unexpected::Signed(v), &self);
                u64::try_from(v).map(Modulus).map_err(|_| invalid())
            }

            fn visit_u128<E: de::Error>(self, v: u128) -> Result<Modulus, E> {
                u64::try_from(v).map(Modulus).map_err(|_| E::custom("the modulus has over 64 bits"))
            }

            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Modulus, E> {
                // 2^64 is the first float that does not fit.
                if (0.0..18_446_744_073_709_551_616.0).contains(&v) {
                    return Ok(Modulus(v as u64));
                }
                Err(E::invalid_value(de::Unexpected::Float(v), &self))
            }
        }

        deserializer.deserialize_any(Number)
    }
}
