//! Whatever is added, split, put before others or left out, in whichever order:
//! the order in the end keeps to what waits for what.

use proptest::{collection, prelude::*, sample::Index};

use super::*;
use crate::plan::{Action, Serves, TagsChange};

fn action(number: usize) -> PlannedAction {
    let action = Action::Tags(TagsChange::Delete {
        resource: format!("r-{number}"),
        keys: Vec::new(),
    });
    PlannedAction::new(action, Serves::Vpc, "because")
}

#[derive(Clone, Debug)]
enum Edit {
    Add(Vec<Index>),
    AddBefore(Vec<Index>),
    Split(Index, usize),
    LeaveOut(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let some = || collection::vec(any::<Index>(), 0..3);
    prop_oneof![
        4 => some().prop_map(Edit::Add),
        1 => some().prop_map(Edit::AddBefore),
        1 => (any::<Index>(), 1..4usize).prop_map(|(id, parts)| Edit::Split(id, parts)),
        1 => any::<Index>().prop_map(Edit::LeaveOut),
    ]
}

fn chosen(graph: &Graph, which: &[Index]) -> BTreeSet<ActionId> {
    let ids: Vec<ActionId> = graph.iter().map(|planned| planned.id).collect();
    let chosen = which.iter().filter(|_| !ids.is_empty());
    chosen.map(|index| *index.get(&ids)).collect()
}

/// Which resource must be done before which: by their names, for ids change.
fn resources(actions: &[PlannedAction]) -> Vec<String> {
    actions.iter().map(|planned| planned.action.resource()).collect()
}

proptest! {
    #[test]
    fn each_comes_after_what_it_waits_for(edits in collection::vec(edit(), 0..40), ranks in collection::vec(0..3usize, 200)) {
        let mut graph = Graph::default();
        let mut made = 0;
        // What must come before what, as it was asked for.
        let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
        let name = |graph: &Graph, id: ActionId| graph.get(id).map(|planned| planned.action.resource()).unwrap_or_default();
        for edit in edits {
            made += 1;
            match edit {
                Edit::Add(earlier) => {
                    let earlier = chosen(&graph, &earlier);
                    pairs.extend(earlier.iter().map(|id| (name(&graph, *id), format!("r-{made}"))));
                    graph.add(action(made).after(earlier));
                }
                Edit::AddBefore(later) => {
                    let later = chosen(&graph, &later);
                    pairs.extend(later.iter().map(|id| (format!("r-{made}"), name(&graph, *id))));
                    graph.add_before(action(made), &later);
                }
                Edit::Split(id, parts) => {
                    let Some(id) = chosen(&graph, &[id]).pop_first() else { continue };
                    let whole = name(&graph, id);
                    let parts: Vec<PlannedAction> = (0..parts)
                        .map(|part| {
                            let mut planned = graph.get(id).unwrap().clone();
                            planned.action = action(made * 1000 + part).action;
                            planned
                        })
                        .collect();
                    let names = resources(&parts);
                    let mut replaced = BTreeSet::new();
                    for (before, after) in &pairs {
                        for name in &names {
                            let take = |old: &String| if *old == whole { name.clone() } else { old.clone() };
                            replaced.insert((take(before), take(after)));
                        }
                    }
                    replaced.extend(names.iter().skip(1).map(|name| (names[0].clone(), name.clone())));
                    pairs = replaced;
                    graph.split(id, parts);
                }
                Edit::LeaveOut(id) => {
                    let gone = chosen(&graph, &[id]);
                    let gone = resources(&graph.leave_out(|planned| gone.contains(&planned.id)));
                    // Whoever waits for what is gone is gone as well.
                    for (before, after) in &pairs {
                        prop_assert!(!gone.contains(before) || gone.contains(after), "{before} before {after}");
                    }
                    pairs.retain(|(before, after)| !gone.contains(before) && !gone.contains(after));
                }
            }
        }
        let rank = |planned: &PlannedAction| ranks[planned.action.resource().len() * 7 % ranks.len()];
        let count = graph.iter().count();
        let ordered = graph.into_ordered(rank);
        prop_assert_eq!(ordered.len(), count);
        let names = resources(&ordered);
        let place = |name: &String| names.iter().position(|other| other == name);
        for (before, after) in &pairs {
            prop_assert!(place(before) < place(after), "{before} before {after} in {names:?}");
            let (before, after) = (place(before).unwrap(), place(after).unwrap());
            prop_assert!(ordered[after].after.contains(&ActionId(before)));
        }
        for (place, planned) in ordered.iter().enumerate() {
            prop_assert_eq!(planned.id, ActionId(place));
            prop_assert!(planned.after.iter().all(|earlier| earlier.0 < place));
        }
    }
}
