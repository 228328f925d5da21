//! How deep a tree may be: what reads it afterwards recurses, or takes time that grows with the square of the depth.

use dom_query::{Document, NodeRef};

/// Pages that people wrote are less than 50 deep.
pub(super) const LEVELS: usize = 256;

/// Takes away levels below [`LEVELS`], and says whether there were any. No text is lost: an element down there gives way to
/// what is in it, until only elements without elements are left.
pub(super) fn flatten(document: &Document) -> bool {
    let mut is_flattened = false;
    let mut open = vec![(document.root(), 0)];
    while let Some((node, depth)) = open.pop() {
        if depth < LEVELS {
            open.extend(node.children_it(false).map(|child| (child, depth + 1)));
        } else {
            is_flattened |= hoist(&node);
        }
    }
    is_flattened
}

/// Each node moves up once, in the moment its parent gives way, so this takes time by the number of nodes alone.
fn hoist(floor: &NodeRef<'_>) -> bool {
    let mut has_hoisted = false;
    let mut next = floor.first_child();
    while let Some(node) = next {
        let holds_elements = node.is_element() && node.first_element_child().is_some();
        next = match node.first_child().filter(|_| holds_elements) {
            Some(first) => {
                node.insert_siblings_before(&first);
                node.remove_from_parent();
                has_hoisted = true;
                Some(first)
            }
            None => node.next_sibling(),
        };
    }
    has_hoisted
}
