//! By which paths a crate's names can be imported.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Crate, Target, Way, defined, leaves};

/// The names with more than one path, each with its paths: one is what a reader should see everywhere.
pub fn with_several_paths(one: &Crate) -> Vec<String> {
    let mut paths: BTreeMap<(Way, String), BTreeSet<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![(Way::new(), Way::new())];
    while let Some((shown, way)) = waiting.pop() {
        let Some(module) = one.modules.get(&way).filter(|_| seen.insert(shown.clone())) else { continue };
        let below = |base: &Way, name: &str| base.iter().cloned().chain([name.to_owned()]).collect::<Way>();
        let at = |name: &str| below(&shown, name).join("::");
        for name in &module.public {
            waiting.push((below(&shown, name), below(&way, name)));
        }
        for item in &module.items {
            if let Some((name, syn::Visibility::Public(_))) = defined(item) {
                paths.entry((way.clone(), name.clone())).or_default().insert(at(&name));
            }
            let syn::Item::Use(syn::ItemUse { vis: syn::Visibility::Public(_), tree, .. }) = item else {
                continue;
            };
            leaves(tree, &mut Way::new(), &mut |path, name| match one
                .resolve(&way, &from_here(one, &way, path))
            {
                Some(Target { module, item: Some(item) }) => {
                    paths.entry((module, item)).or_default().insert(at(&name));
                }
                Some(Target { module, item: None }) => waiting.push((below(&shown, &name), module)),
                None => {}
            });
        }
    }
    let several = paths.into_values().filter(|paths| paths.len() > 1);
    several.map(|paths| paths.into_iter().collect::<Vec<_>>().join(" = ")).collect()
}

/// A path that begins with a module beside the `use`, as one that begins with `self`.
fn from_here(one: &Crate, way: &Way, path: &[String]) -> Way {
    let beside = path.first().is_some_and(|first| one.modules[way].children.contains(first));
    beside.then(|| "self".to_owned()).into_iter().chain(path.iter().cloned()).collect()
}
