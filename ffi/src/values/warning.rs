//! The values of warnings, as C reads them: by the place of the warning and the place of the value.

use usbtoken::error::Warning;

use crate::base::text::Text;

/// The values of a list of warnings, each with the number of its kind.
#[derive(Debug, Default)]
pub(crate) struct Facts(Vec<Vec<(u32, Text)>>);

impl Facts {
    /// Those of each place; a place without a warning has none.
    pub(crate) fn of<'a>(places: impl IntoIterator<Item = Option<&'a Warning>>) -> Self {
        let facts = |warning: Option<&Warning>| {
            let facts = warning.into_iter().flat_map(Warning::facts);
            facts.map(|(fact, value)| (fact.number().into(), Text::new(value))).collect()
        };
        Facts(places.into_iter().map(facts).collect())
    }

    pub(crate) fn kind(&self, warning: usize, fact: usize) -> Option<u32> {
        self.get(warning, fact).map(|(kind, _)| *kind)
    }

    pub(crate) fn text(&self, warning: usize, fact: usize) -> Option<&Text> {
        self.get(warning, fact).map(|(_, text)| text)
    }

    fn get(&self, warning: usize, fact: usize) -> Option<&(u32, Text)> {
        self.0.get(warning)?.get(fact)
    }
}
