//! Query parameters: repeatable, comma-joined lists allowed where values hold no comma, empty means absent.

use serde_json::Value;

use super::FieldErrors;

/// The parameters of one question, in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// From decoded pairs, e.g. of a query string.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// From the JSON object a preset or an export carries: text, number, boolean or a list of them per name.
    ///
    /// Errors: under `field`, for anything else.
    pub fn from_json(field: &str, value: &Value) -> Result<Self, FieldErrors> {
        let Value::Object(map) = value else {
            return Err(FieldErrors::one(field, "must be a JSON object of filter names and values"));
        };
        let mut pairs = Vec::new();
        for (name, value) in map {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                single => std::slice::from_ref(single),
            };
            for value in values {
                match value {
                    Value::Null => {}
                    Value::String(text) => pairs.push((name.clone(), text.clone())),
                    Value::Number(_) | Value::Bool(_) => pairs.push((name.clone(), value.to_string())),
                    _ => {
                        return Err(FieldErrors::one(
                            field,
                            format!("`{name}` must be a text, a number or a list of them"),
                        ));
                    }
                }
            }
        }
        Ok(Self(pairs))
    }

    /// The last value of a parameter; empty counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Every value of a list parameter, comma-joined ones split.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// Every value of a parameter as it came.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.trim().is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.into()));
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// A switch: `1`, `true`, `on`, `yes` are on, `0`, `false`, `off`, `no` and absent are off.
    pub fn flag(&self, name: &str) -> Result<bool, FieldErrors> {
        match self.get(name) {
            None | Some("0" | "false" | "off" | "no") => Ok(false),
            Some("1" | "true" | "on" | "yes") => Ok(true),
            Some(other) => Err(FieldErrors::one(name, format!("`{other}` is neither 1 nor 0"))),
        }
    }

    /// A whole number in `[low, high]`, or the default when absent.
    pub fn number(&self, name: &str, default: usize, low: usize, high: usize) -> Result<usize, FieldErrors> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let wrong = |why: String| Err(FieldErrors::one(name, why));
        match text.parse::<i128>() {
            Err(_) => wrong(format!("`{text}` is not a whole number")),
            Ok(value) => match usize::try_from(value) {
                Ok(value) if value < low => wrong(format!("`{text}` is below {low}")),
                Ok(value) if value > high => wrong(format!("`{text}` is above {high}")),
                Ok(value) => Ok(value),
                Err(_) if value < 0 => wrong(format!("`{text}` is below {low}")),
                Err(_) => wrong(format!("`{text}` is above {high}")),
            },
        }
    }
}
