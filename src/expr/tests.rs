//! What needs the inside: the table of the documentation, forged trees, random trees. Cases are data: `tests/expr/`.

use super::names::{FUNCTIONS, PARTS, UNITS};
use super::node::{Binary, Part, Unary, Unit};
use super::*;
use crate::schema::{Field, FieldKind, Unknown};
use crate::wire;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// a, b, c numbers; p, q flags; t, u times; r a category of EU and US: the schema of the table.
fn schema() -> Schema {
    let number = FieldKind::Number { min: None, max: None };
    let kinds = [
        ("a", number.clone()),
        ("b", number.clone()),
        ("c", number),
        ("p", FieldKind::Flag),
        ("q", FieldKind::Flag),
        ("t", FieldKind::Time),
        ("u", FieldKind::Time),
        ("r", FieldKind::Category { levels: ["EU", "US"].into(), unknown: Unknown::Admit }),
    ];
    let field = |(name, kind): (&str, FieldKind)| Field { name: name.into(), kind, required: false };
    Schema { fields: kinds.map(field).into(), ..Schema::default() }
}

/// The examples of the table, one list per line, with the type the line promises.
fn table() -> Vec<(Vec<&'static str>, &'static str)> {
    let lines = include_str!("mod.rs").lines().filter_map(|l| l.strip_prefix("//! | `"));
    let rows = lines.filter_map(|l| l.split_once(" | "));
    rows.map(|(written, rest)| {
        let examples = written.trim_end_matches('`').split("`, `").collect();
        (examples, rest.split_once(" |").expect("three columns").0)
    })
    .collect()
}

#[test]
fn every_line_of_the_table_compiles_to_the_type_it_names() {
    let rows = table();
    assert!(rows.len() >= 35, "only {} lines were read", rows.len());
    for (examples, ty) in rows {
        for example in examples {
            let expr = Expr::parse(example, &schema(), &[]).unwrap_or_else(|e| panic!("{example}: {e}"));
            let got = match expr.ty {
                Type::Number => "number",
                Type::Flag => "flag",
                Type::Time => "time",
                Type::Category => "category",
            };
            assert!(ty == "any" || ty.split(", ").any(|t| t == got), "{example} yields a {got}, the table says {ty}");
        }
    }
}

#[test]
fn the_table_has_every_function_and_no_other() {
    let called = |text: &str| -> BTreeSet<String> {
        let name_before = |end: usize| {
            let head = &text[..end];
            let start = head.rfind(|c: char| !names::is_name_part(c)).map_or(0, |i| i + 1);
            head[start..].to_lowercase()
        };
        text.match_indices('(').map(|(i, _)| name_before(i)).filter(|n| !n.is_empty()).collect()
    };
    let in_table: BTreeSet<String> = table().into_iter().flat_map(|(e, _)| e).flat_map(called).collect();
    let in_parser: BTreeSet<String> = FUNCTIONS.iter().map(|(n, _)| *n).chain(["extract"]).map(String::from).collect();
    assert_eq!(in_table, in_parser);

    // The units and fields are told below the table.
    let text = include_str!("mod.rs");
    let told = text.split("//! Units of `date_diff`: ").nth(1).expect("the paragraph");
    let (units, parts) = told.split_once("Fields of `extract`: ").expect("the fields");
    let parts = parts.split("//!\n").next().expect("a paragraph");
    let names = |s: &'static str| s.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    assert_eq!(names(units), UNITS.map(|(n, _)| n));
    assert_eq!(names(parts), PARTS.map(|(n, _)| n));
}

fn forged(ty: Type, stack: u32, nodes: Vec<Node>) -> Expr {
    Expr { ty, stack, nodes }
}

#[test]
fn forged_trees_are_refused() {
    let (n, f) = (Type::Number, Type::Flag);
    let add = Node::Binary(Binary::Add);
    let cases = [
        (forged(n, 1, vec![]), "0 nodes"),
        (forged(n, 1, vec![Node::Slot(9)]), "a slot that exists"),
        (forged(n, 1, vec![Node::Slot(u32::MAX)]), "a slot that exists"),
        (forged(n, 1, vec![Node::Number(f64::INFINITY)]), "a finite number"),
        (forged(n, 1, vec![Node::Number(f64::NAN)]), "a finite number"),
        (forged(Type::Time, 1, vec![Node::Time(f64::NAN)]), "a finite time"),
        (forged(n, 1, vec![add]), "lacks an operand"),
        (forged(n, 1, vec![Node::Slot(0), add]), "lacks an operand"),
        (forged(n, 2, vec![Node::Slot(0), Node::Slot(1)]), "2 values are left"),
        (forged(n, 2, vec![Node::Slot(0), Node::Slot(3), add]), "operand 1: takes a number"),
        (forged(f, 1, vec![Node::Slot(0)]), "the type it declares"),
        (forged(Type::Category, 1, vec![Node::Slot(7)]), "the type it declares"),
        (forged(n, 1, vec![Node::Null]), "the type it declares"),
        (forged(f, 2, vec![Node::Slot(7), Node::Level(2), Node::Binary(Binary::Eq)]), "one of the field's levels"),
        (forged(f, 2, vec![Node::Slot(7), Node::Number(0.0), Node::Binary(Binary::Eq)]), "one of the field's levels"),
        (forged(f, 2, vec![Node::Level(0), Node::Slot(7), Node::Binary(Binary::Eq)]), "a number, a flag or a time"),
        (forged(f, 1, vec![Node::Level(0), Node::Unary(Unary::IsNull)]), "a field or a value"),
        (forged(n, 3, vec![Node::Slot(0), Node::Slot(0), Node::Slot(0), Node::Pick]), "operand 1: takes a flag"),
        (forged(n, 3, vec![Node::Slot(0), Node::Slot(3), Node::Slot(4), Node::Pick]), "operand 2: takes a number"),
        (forged(n, 2, vec![Node::Slot(0), Node::Now, Node::DateDiff(Unit::Day)]), "operand 0: takes a time"),
        (forged(n, 1, vec![Node::Slot(0), Node::Extract(Part::Dow)]), "operand 0: takes a time"),
        (forged(n, 5, vec![Node::Slot(0)]), "needs a stack of 1, declares 5"),
        (forged(n, 1, vec![Node::Slot(0); MAX_NODES + 1]), "4097 nodes"),
        (forged(n, 129, [vec![Node::Slot(0); 129], vec![add; 128]].concat()), "needs a stack of 129"),
    ];
    for (expr, says) in cases {
        let e = expr.check(&schema(), &[Type::Number]).expect_err(says);
        assert!(e.to_string().contains(says), "{e} does not say {says}");
        assert_eq!(e.kind(), ErrorKind::Artifact);
    }
    forged(n, 128, [vec![Node::Slot(0); 128], vec![add; 127]].concat()).check(&schema(), &[]).expect("128 are allowed");
    forged(n, 1, vec![Node::Slot(8)]).check(&schema(), &[Type::Number]).expect("the derived feature before it");
    forged(n, 1, vec![Node::Slot(8)]).check(&schema(), &[Type::Flag]).expect_err("which is a flag");
}

fn any_node() -> impl Strategy<Value = Node> {
    use Binary::*;
    let unary = [
        Unary::Neg,
        Unary::Not,
        Unary::IsNull,
        Unary::Abs,
        Unary::Sign,
        Unary::Sqrt,
        Unary::Exp,
        Unary::Ln,
        Unary::Log10,
        Unary::Floor,
        Unary::Ceil,
        Unary::Round,
        Unary::Sin,
        Unary::Cos,
    ];
    let binary = [Add, Sub, Mul, Div, Rem, Power, Eq, Ne, Lt, Le, Gt, Ge, And, Or, Coalesce, NullIf, Least, Greatest];
    prop_oneof![
        4 => (0u32..12).prop_map(Node::Slot),
        2 => any::<f64>().prop_map(Node::Number),
        1 => any::<bool>().prop_map(Node::Flag),
        1 => any::<f64>().prop_map(Node::Time),
        1 => (0u32..3).prop_map(Node::Level),
        1 => Just(Node::Null),
        1 => Just(Node::Now),
        4 => proptest::sample::select(unary.to_vec()).prop_map(Node::Unary),
        8 => proptest::sample::select(binary.to_vec()).prop_map(Node::Binary),
        1 => Just(Node::Pick),
        1 => proptest::sample::select(UNITS.map(|(_, u)| u).to_vec()).prop_map(Node::DateDiff),
        1 => proptest::sample::select(PARTS.map(|(_, p)| p).to_vec()).prop_map(Node::Extract),
    ]
}

/// Any number at all, the awkward ones often.
fn any_value() -> impl Strategy<Value = f64> {
    let awkward = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e308,
        -1e308,
        5e-324,
        8.64e12,
        1e15,
    ];
    prop_oneof![any::<f64>(), -100.0..100.0f64, proptest::sample::select(awkward)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The evaluator is total even for nodes that no check has seen.
    #[test]
    fn no_nodes_whatever_panic_the_evaluator(
        nodes in proptest::collection::vec(any_node(), 0..40),
        stack in any::<u32>(),
        slots in proptest::collection::vec(any_value(), 0..12),
        as_of in any_value(),
    ) {
        let _ = forged(Type::Number, stack, nodes).eval(&slots, as_of);
    }

    /// What the check lets pass yields finite or missing, one NaN, no negative zero, and a flag is 0 or 1.
    #[test]
    fn checked_trees_yield_sound_values(
        raw in proptest::collection::vec(any_node(), 1..60),
        slots in proptest::collection::vec(any_value(), 9),
        as_of in any_value(),
    ) {
        // Of random nodes those are kept that fit where they stand; a last value without its kin stays.
        let (schema, earlier) = (schema(), [Type::Number]);
        let env = Env { schema: &schema, earlier: &earlier };
        let mut held: Vec<(Held, usize)> = Vec::new();
        let mut nodes: Vec<Node> = Vec::new();
        for node in raw {
            let Some(first) = held.len().checked_sub(node.arity()) else { continue };
            let types: Vec<Held> = held[first..].iter().map(|h| h.0).collect();
            if let Ok(result) = node.yields(&types, &env) {
                let start = held.get(first).map_or(nodes.len(), |h| h.1);
                held.truncate(first);
                held.push((result, start));
                nodes.push(node);
            }
        }
        let mut most = 0;
        let Some(&(result, start)) = held.last() else { return Ok(()) };
        let Some(ty) = result.ty().filter(|t| *t != Type::Category) else { return Ok(()) };
        let tree = &nodes[start..];
        let mut len = 0;
        for node in tree {
            len = len - node.arity() + 1;
            most = most.max(len);
        }
        let expr = forged(ty, most as u32, tree.to_vec());
        expr.check(&schema, &earlier).expect("sound by construction");
        // The door's promise: flags are 0, 1 or missing, levels whole numbers.
        let mut slots = slots;
        for flag in &mut slots[3..5] {
            *flag = if *flag > 0.0 { 1.0 } else { 0.0 };
        }
        slots[7] = 2.0;
        let v = expr.eval(&slots, as_of);
        prop_assert!(v.is_finite() || v.to_bits() == f64::NAN.to_bits(), "{v}");
        prop_assert!(v.to_bits() != (-0.0f64).to_bits());
        if ty == Type::Flag {
            prop_assert!(v.is_nan() || v == 0.0 || v == 1.0, "{v}");
        }
        let again: Expr = wire::decode(&wire::encode(&expr).expect("encodes")).expect("decodes");
        prop_assert_eq!(&again, &expr);
        prop_assert_eq!(again.eval(&slots, as_of).to_bits(), v.to_bits());
    }

    /// Hostile bytes decode to an error or to a tree the check judges.
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), slots in proptest::collection::vec(any_value(), 9)) {
        if let Ok(expr) = wire::decode::<Expr>(&bytes) {
            let _ = expr.check(&schema(), &[]);
            let _ = expr.eval(&slots, 0.0);
        }
    }
}
