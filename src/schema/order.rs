//! Sorting for the checks: one merge sort for every type, since the standard library's sorts are compiled anew for each, at some 8 KB
//! of WebAssembly.

/// The indices `0..n` in the order that `before` (strictly before) gives; equals keep theirs.
pub(crate) fn order(n: usize, before: &dyn Fn(u32, u32) -> bool) -> Vec<u32> {
    let mut sorted: Vec<u32> = (0..n as u32).collect();
    let mut merged = sorted.clone();
    let mut width = 1;
    while width < n {
        for (run, out) in sorted.chunks(2 * width).zip(merged.chunks_mut(2 * width)) {
            let (mut left, mut right) = run.split_at(width.min(run.len()));
            for slot in out {
                let from = match (left, right) {
                    (_, []) => &mut left,
                    ([], _) => &mut right,
                    ([l, ..], [r, ..]) => {
                        if before(*r, *l) {
                            &mut right
                        } else {
                            &mut left
                        }
                    }
                };
                if let [first, rest @ ..] = *from {
                    (*slot, *from) = (*first, rest);
                }
            }
        }
        std::mem::swap(&mut sorted, &mut merged);
        width *= 2;
    }
    sorted
}

/// Of the indices `0..n` one whose thing is there twice, the first such in the order that `before` gives; none where all differ.
pub(crate) fn twice(n: usize, before: &dyn Fn(u32, u32) -> bool) -> Option<u32> {
    // What is written in order needs no sort.
    if (1..n as u32).all(|k| before(k - 1, k)) {
        return None;
    }
    order(n, before).windows(2).find(|w| !before(w[0], w[1])).map(|w| w[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_standard_librarys_order(things in prop::collection::vec(0u8..20, 0..70)) {
            let mut expected: Vec<u32> = (0..things.len() as u32).collect();
            expected.sort_by_key(|k| things[*k as usize]);
            let before = |a: u32, b: u32| things[a as usize] < things[b as usize];
            prop_assert_eq!(&order(things.len(), &before), &expected);
            let pair = expected.windows(2).find(|w| things[w[0] as usize] == things[w[1] as usize]);
            prop_assert_eq!(twice(things.len(), &before), pair.map(|w| w[0]));
        }
    }
}
