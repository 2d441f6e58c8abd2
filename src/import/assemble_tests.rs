use super::super::check::Tolerance;
use super::super::columns::Column;
use super::super::trees::Trees;
use super::super::{Input, InputKind, Sample};
use super::*;
use crate::data::Reader;
use crate::model::forest::{Link, PlainNode, PlainTree, Test};
use crate::model::linear::{self, Logistic};
use crate::schema::{FieldKind, RawRecord, Unknown};

fn input(name: &str, kind: InputKind) -> Input {
    Input { name: (!name.is_empty()).then(|| name.to_owned()), kind, required: false }
}

fn split(feature: usize, test: Test, left: usize) -> PlainNode {
    PlainNode::Split { feature, test, default_left: false, left, right: left + 1 }
}

/// (age <= 40) + (region in {1, 2}): scores -1, 1 and -0.5, 0.5.
fn foreign(inputs: [Input; 2]) -> Foreign {
    let tree = |test: PlainNode, v: f64| PlainTree {
        nodes: vec![test, PlainNode::Leaf(vec![-v]), PlainNode::Leaf(vec![v])],
        output: 0,
    };
    let trees = Trees {
        n_features: 2,
        n_classes: 2,
        link: Link::Sigmoid,
        base: vec![0.25],
        trees: vec![tree(split(0, Test::AtMost(40.0), 1), 1.0), tree(split(1, Test::In(vec![1, 2]), 1), 0.5)],
        numbers: vec![vec![0, 1, 2], vec![0, 7, 8]],
    };
    Foreign {
        library: "xgboost",
        facts: json!({ "version": "3.2.0" }).as_object().cloned().unwrap_or_default(),
        inputs: inputs.into(),
        classes: None,
        estimator: Estimator { columns: vec![Column::raw(0), Column::raw(1)], head: Head::Trees(trees) },
        single: true,
        notes: Vec::new(),
    }
}

fn plain() -> Foreign {
    foreign([input("age", InputKind::Number), input("region", InputKind::Code { negative: false })])
}

fn table(text: &str) -> Table {
    Table::from_reader(Reader::new(std::io::Cursor::new(text.to_owned()), None).unwrap()).unwrap()
}

fn sample(text: &str, target: Option<&str>) -> Option<Sample> {
    Some(Sample { table: table(text), target: target.map(str::to_owned), as_of: None })
}

fn schema(text: &str) -> Options {
    Options { schema: Some(Outside::parse(text).unwrap()), ..Options::default() }
}

fn done(foreign: Foreign, options: &Options) -> Imported {
    let imported = assemble(foreign, b"digest", options).unwrap();
    // What is written reads back, and answers with the witnesses' bits.
    let file = imported.file().unwrap();
    let read = Artifact::read(&file).unwrap();
    assert!(read.write(&imported.header.to_bytes().unwrap()).unwrap() == file);
    assert!(!read.witnesses.is_empty());
    read.replay().unwrap();
    imported
}

fn refused(foreign: Foreign, options: &Options) -> String {
    assemble(foreign, b"digest", options).unwrap_err().to_string()
}

/// The probability of the second class.
fn answer(imported: &Imported, cells: &[&str]) -> f64 {
    let cells: Vec<Option<String>> = cells.iter().map(|c| Some((*c).to_owned())).collect();
    let mut work = imported.artifact.work();
    imported.artifact.slots(&RawRecord(&cells), 0.0, &mut work).unwrap();
    imported.artifact.predict(&mut work);
    work.probability[1]
}

fn names(imported: &Imported) -> Vec<&str> {
    imported.artifact.schema.fields.iter().map(|f| f.name.as_str()).collect()
}

#[test]
fn without_a_schema_fields_are_named_as_in_the_original() {
    let imported = done(plain(), &Options::default());
    assert_eq!(names(&imported), ["age", "region"]);
    assert_eq!(imported.artifact.schema.fields[1].kind, FieldKind::Number { min: Some(0.0), max: None });
    assert_eq!(imported.artifact.classes, ["0", "1"]);
    assert_eq!(answer(&imported, &["41", "1"]), crate::math::sigmoid(0.25 + 1.0 - 0.5));
    assert_eq!((&imported.leaves[..], imported.header.name.as_str()), (&[vec![0, 1, 2], vec![0, 7, 8]][..], "model"));
    let source = &imported.header.training["source"];
    assert_eq!((&source["library"], &source["version"]), (&json!("xgboost"), &json!("3.2.0")));
    assert_eq!(source["sha256"], json!("646967657374"));
    assert_eq!((&imported.header.model["trees"], &imported.header.model["nodes"]), (&json!(2), &json!(6)));
    let notes = imported.notes.join("\n");
    assert!(notes.contains("`region` is a category") && notes.contains("--classes names them"), "{notes}");
    assert_eq!(imported.header.training["notes"], json!(imported.notes));
}

#[test]
fn names_that_are_none_become_numbers_and_the_card_says_so() {
    for (a, b) in [("", ""), ("same", "same"), ("age", "")] {
        let imported = done(foreign([input(a, InputKind::Number), input(b, InputKind::Number)]), &Options::default());
        assert_eq!(names(&imported), ["f0", "f1"]);
        assert!(imported.notes[0].contains("in the model's order they are f0 to f1 here"), "{:?}", imported.notes);
    }
}

#[test]
fn a_sample_gives_names_by_order_flags_counts_and_metrics() {
    let nameless = || foreign([input("", InputKind::Number), input("", InputKind::Number)]);
    let rows = "y,old,left\nno,20,true\nyes,50,false\nyes,,yes\nno,30,no\nno,35,\n";
    let options = Options {
        sample: sample(rows, Some("y")),
        classes: Some(vec!["no".into(), "yes".into()]),
        ..Options::default()
    };
    let imported = done(nameless(), &options);
    assert_eq!(names(&imported), ["old", "left"]);
    assert_eq!(imported.artifact.schema.fields[1].kind, FieldKind::Flag);
    let counts = &imported.artifact.profile.slots[0];
    assert_eq!((counts.n, counts.missing, counts.min, counts.max), (4, 1, 20.0, 50.0));
    assert_eq!(imported.artifact.profile.predicted.iter().sum::<u64>(), 5);
    assert_eq!(imported.header.training["sample"]["rows"], json!(5));
    assert_eq!(imported.header.metrics["sample"]["rows"], json!(5));
    assert!(imported.notes[0].contains("they are the sample's columns"), "{:?}", imported.notes);
    assert_eq!(imported.file().unwrap(), done(nameless(), &options).file().unwrap(), "the same again");

    let without = Options { sample: sample(rows, None), ..Options::default() };
    assert_eq!(
        refused(nameless(), &without),
        "the file has no names for its 2 inputs, and the sample has 3 columns for them (--target COLUMN leaves out that of the \
         labels): give --schema FILE with `features` in the model's order"
    );
    let labels = Options { sample: sample(rows, Some("y")), ..Options::default() };
    assert!(refused(nameless(), &labels).contains("the target `y` is `no`, which is none of the model's 2 classes"));
}

#[test]
fn no_data_tell_which_level_has_which_code() {
    let options = Options { sample: sample("age,region\n20,EU\n", None), ..Options::default() };
    assert_eq!(
        refused(plain(), &options),
        "in the sample: line 2: `region` is `EU`, but the model reads a code from 0 on, and which level has which the file does not say; give \
         --schema FILE that lists its levels in code order"
    );
    let options = Options { sample: sample("agee,region\n20,1\n", None), ..Options::default() };
    assert_eq!(refused(plain(), &options), "in the sample: the data has no column `age` (did you mean `agee`?)");
}

#[test]
fn rows_that_the_schema_refuses_are_not_counted_and_told() {
    let options = Options { sample: sample("age,region\n20,1\n30,-1\n", None), ..Options::default() };
    let imported = done(plain(), &options);
    assert_eq!(imported.artifact.profile.slots[0].n, 1);
    let note = imported.notes.last().unwrap();
    assert!(
        note.contains("refuses 1 of the sample's 2 rows") && note.contains("line 3: `region`: -1 is below 0"),
        "{note}"
    );
    let options = Options { sample: sample("age,region\n30,-1\n", None), ..Options::default() };
    assert!(refused(plain(), &options).starts_with("in the sample: 1 of 1 rows do not fit the schema"));
}

#[test]
fn a_schema_names_the_levels_of_codes_and_feeds_inputs_by_name_by_list_or_by_order() {
    let by_name = "
fields:
  - { name: region, levels: [AS, EU, US] }
  - { name: age, min: 0, max: 120, required: true }
  - { name: spare, kind: time }
";
    let imported = done(plain(), &schema(by_name));
    assert_eq!(names(&imported), ["region", "age", "spare"]);
    let FieldKind::Category { levels, unknown } = &imported.artifact.schema.fields[0].kind else { panic!() };
    assert_eq!((&levels[..], *unknown), (&["AS".to_owned(), "EU".into(), "US".into()][..], Unknown::Reject));
    assert_eq!(answer(&imported, &["EU", "41", ""]), crate::math::sigmoid(0.25 + 1.0 - 0.5));
    assert_eq!(answer(&imported, &["AS", "40", ""]), crate::math::sigmoid(0.25 - 1.0 + 0.5));
    let notes = imported.notes.join("\n");
    assert!(notes.contains("`region`: the model reads codes, `AS` is 0, `EU` is 1, `US` is 2"), "{notes}");
    assert!(notes.contains("`spare` is in the schema, but nothing reads it"), "{notes}");

    let listed = schema(
        r#"{"fields": [{"name": "born", "kind": "number"}, {"name": "area", "kind": "category", "levels": ["a", "b", "c"]}],
            "derived": [{"name": "years", "expression": "2026 - born"}], "features": ["years", "area"]}"#,
    );
    let imported = done(plain(), &listed);
    assert_eq!(answer(&imported, &["1985", "a"]), crate::math::sigmoid(0.25 + 1.0 + 0.5));
    assert_eq!(imported.header.derived[0].expression, "2026 - born");

    let nameless = foreign([input("", InputKind::Number), input("", InputKind::Code { negative: false })]);
    let imported = done(nameless, &schema("fields: [{ name: x, kind: number }, { name: y, kind: flag }]"));
    assert_eq!(answer(&imported, &["41", "true"]), crate::math::sigmoid(0.25 + 1.0 - 0.5));
}

#[test]
fn a_schema_that_does_not_fit_is_told_on_both_sides() {
    let refused = |foreign, options: &Options| {
        let e = refused(foreign, options);
        e.strip_prefix("in the schema: ").unwrap_or(&e).to_owned()
    };
    let named = |text: &str| refused(plain(), &schema(text));
    let nameless = |text: &str| {
        refused(foreign([input("", InputKind::Number), input("", InputKind::Code { negative: false })]), &schema(text))
    };
    let categories = |text: &str| {
        let levels = vec!["a".to_owned(), "b".into()];
        let kind = InputKind::Category { levels, admit_unknown: false };
        let foreign = foreign([input("x", InputKind::Flag), Input { required: true, ..input("c", kind) }]);
        refused(foreign, &schema(text))
    };
    for (message, wanted) in [
        (
            named("fields: [{ name: agee, kind: number }, { name: region, kind: number }]"),
            "the model reads 1 input that the schema lacks: `age` (did you mean `agee`?); of the schema it does not read `agee`; name \
             them as the model does, or list in `features`, in the model's order, which feeds which input",
        ),
        (
            nameless("fields: [{ name: a, kind: number }]"),
            "the model has 2 inputs without names, the schema 1 fields: list in `features`, in the model's order, which feeds which \
             input",
        ),
        (
            named("{ fields: [{ name: a, kind: number }], features: [a, b] }"),
            "features: `b` (input 1 of the model) is neither a field nor a derived feature of the schema",
        ),
        (named("{ fields: [{ name: a, kind: number }], features: [a] }"), "`features` lists 1, but the model reads 2"),
        (
            named("fields: [{ name: age, kind: time }, { name: region, kind: number }]"),
            "field `age`: the model reads a number, a flag (0, 1), or a category whose levels are in the order of their numbers there, \
             not a time (derive a number from it, with date_diff or extract)",
        ),
        (
            named("fields: [{ name: age, kind: number }, { name: region, kind: category }]"),
            "field `region`: its levels are not given, and the model file does not hold them: list them in code order",
        ),
        (
            named("fields: [{ name: age }, { name: region }, { name: other }]"),
            "field `other`: its kind is not given, and the model does not read it: number, category, flag or time",
        ),
        (
            named("fields: [{ name: age, levels: [a, b], unknown: admit }, { name: region }]"),
            "field `age`: unknown: the original has no answer for a text that is none of its levels: only `reject` is right",
        ),
        (
            categories("fields: [{ name: x }, { name: c, levels: [a, c] }]"),
            "field `c`: its levels are not the model's: at place 1 (from 0) the schema has `c`, the model `b`; leave `levels` out, or \
             list the model's 2 in its order",
        ),
        (
            categories("fields: [{ name: x }, { name: c, required: false }]"),
            "field `c`: the original has no answer where it is missing: it must be required",
        ),
        (
            categories("fields: [{ name: x, kind: number }, { name: c }]"),
            "field `x`: the model reads a flag there, not a number",
        ),
        (
            categories("{ fields: [{ name: x }], derived: { c: CASE WHEN x THEN 1 END } }"),
            "derived feature `c`: the model reads a category there, which no expression yields",
        ),
    ] {
        assert_eq!(message, wanted);
    }
}

/// A linear model has no meaning for a missing value, so what feeds it must be proven to be there.
#[test]
fn a_computed_input_that_must_be_there_is_proven_to_be() {
    let linear = || {
        let coef = crate::math::Matrix { rows: 1, cols: 2, data: vec![1.0, 2.0] };
        let model = Model::Logistic(Logistic { coef, intercept: vec![0.0], link: linear::Link::Sigmoid });
        let needed = |name| Input { required: true, ..input(name, InputKind::Number) };
        Foreign {
            estimator: Estimator { columns: vec![Column::raw(0), Column::raw(1)], head: Head::Model(model) },
            ..foreign([needed("a"), needed("ratio")])
        }
    };
    let with = |expression: &str| {
        schema(&format!(
            "{{ fields: [{{ name: a, required: true }}, {{ name: b, kind: number }}], derived: {{ ratio: \"{expression}\" }} }}"
        ))
    };
    let message = refused(linear(), &with("b / a"));
    assert!(
        message
            .starts_with("in the schema: derived feature `ratio`: it may be missing, where the original has no answer"),
        "{message}"
    );
    let imported = done(linear(), &with("COALESCE(b / a, 0)"));
    assert_eq!(answer(&imported, &["2", "1"]), crate::math::sigmoid(2.0 + 2.0 * 0.5));
    assert_eq!(answer(&imported, &["0", "1"]), 0.5);
    done(linear(), &with("CASE WHEN b IS NULL THEN 1 ELSE abs(a) END"));
}

#[test]
fn labels_are_those_given_those_of_the_file_or_numbers() {
    let own = || Foreign { classes: Some(vec!["no".into(), "yes".into()]), ..plain() };
    let given = |labels: &[&str]| Options {
        classes: Some(labels.iter().map(|l| (*l).to_owned()).collect()),
        ..Options::default()
    };
    assert_eq!(done(own(), &Options::default()).artifact.classes, ["no", "yes"]);
    assert_eq!(done(own(), &given(&["bad", "good"])).artifact.classes, ["bad", "good"]);
    assert_eq!(
        refused(own(), &given(&["yes", "no"])),
        "--classes lists the file's own labels in another order: the model's is `no`, `yes`"
    );
    assert_eq!(refused(plain(), &given(&["a", "b", "c"])), "--classes lists 3, but the model tells 2 classes apart");
    assert!(refused(plain(), &given(&["a", "a"])).contains("the class label `a` is there twice"));
    let named = Options { name: Some("Big Model".into()), ..Options::default() };
    assert!(refused(plain(), &named).contains("the model's name must be"));
}

#[test]
fn without_rows_the_edges_are_the_models_own_and_witnesses_get_to_both_sides() {
    let imported = done(plain(), &Options::default());
    let profile = &imported.artifact.profile;
    assert_eq!((&profile.slots[0].edges[..], profile.slots[0].n), (&[40.0][..], 0));
    assert_eq!(profile.predicted, [0, 0]);
    let answers: std::collections::BTreeSet<u64> =
        imported.artifact.witnesses.iter().map(|w| w.probability[1]).collect();
    assert!(answers.len() > 2, "the witnesses all end alike: {answers:?}");
    assert!(imported.artifact.witnesses.iter().any(|w| w.record.contains(&None)));
}

#[test]
fn a_check_tells_what_differs_and_by_how_much() {
    let imported = done(plain(), &Options::default());
    let check = |text: &str| imported.check(&table(text), None);
    let p = crate::math::sigmoid(0.75);
    let good = check(&format!(
        "age,region,leaf_0,leaf_1,margin,probability_0,probability_1,prediction\n\
         41,1,2,7,0.75,{},{p},1\n40,5,1,8,-0.25,{},{},0.0\n",
        1.0 - p,
        crate::math::sigmoid(0.25),
        crate::math::sigmoid(-0.25)
    ))
    .unwrap();
    assert!(good.passed(), "{good:?}");
    assert_eq!((good.rows, good.leaves.as_ref().map(|l| l.compared)), (2, Some(4)));
    // 2 trees, |0.25| + |1| + |-0.5|.
    assert_eq!(good.margin.unwrap().largest.unwrap().allowed, 2.0 * 1.75 / f64::from(1 << 24));

    let bad = check("age,region,leaf_0,margin,prediction\n41,1,2,0.75,1\n30,1,2,0.75,1\n").unwrap();
    assert!(!bad.passed());
    let leaves = bad.leaves.unwrap();
    let first = leaves.first.unwrap();
    assert_eq!((leaves.differing, first.line, first.tree, first.ours, first.theirs), (1, 3, 0, 1, 2));
    let margin = bad.margin.unwrap();
    assert_eq!((margin.beyond, margin.largest.unwrap().ours), (1, -1.25));
    assert_eq!(bad.prediction.unwrap().differing, 1);

    let refused = check("age,region,margin\nold,1,0\n").unwrap();
    assert!(!refused.passed());
    assert_eq!((refused.n_refused, refused.refused[0].line), (1, 2));

    let close = format!("age,region,probability_1\n41,1,{}\n", p + 1e-9);
    assert!(imported.check(&table(&close), None).unwrap().passed());
    assert!(!imported.check(&table(&close), Some(1e-10)).unwrap().passed());
    let exact = Tolerance { single: false, probability: None };
    assert!(!super::super::check::check(&imported.artifact, &[], &table(&close), exact).unwrap().passed());
}

#[test]
fn what_cannot_be_compared_is_said() {
    let imported = done(plain(), &Options::default());
    for (text, wanted) in [
        ("age,region\n1,1\n", "there is nothing to compare"),
        ("age,region,margin\n", "there is nothing to compare"),
        ("age,margin\n1,1\n", "the data has no column `region`"),
        (
            "age,region,probability_2\n1,1,1\n",
            "the column `probability_2` is neither a field nor an answer (did you mean",
        ),
        ("age,region,margn\n1,1,1\n", "(did you mean `margin`?)"),
        ("age,region,leaf_2\n1,1,1\n", "the column `leaf_2` cannot be compared: the model has 2 trees"),
        ("age,region,margin_1\n1,1,1\n", "the column `margin_1` cannot be compared: this model has one score, margin"),
        ("age,region,margin\n1,1,\n", "line 2: `margin` has no value"),
        ("age,region,margin\n1,1,x\n", "line 2: `margin` is `x`: a number is expected"),
        ("age,region,leaf_0\n1,1,1.5\n", "line 2: `leaf_0` is `1.5`: the number of a leaf is expected"),
        ("age,region,prediction\n1,1,2\n", "line 2: `prediction` is `2`: one of `0`, `1` is expected"),
    ] {
        let e = imported.check(&table(text), None).unwrap_err().to_string();
        assert!(e.contains(wanted), "{text}: {e}");
    }
}

#[test]
fn a_schema_may_not_shift_or_lower_codes() {
    let few = "fields: [{ name: age }, { name: region, levels: [EU, US] }]";
    assert_eq!(
        refused(plain(), &schema(few)),
        "in the schema: `region` has 2 levels, and the model tells codes up to 2 apart: list 3 at least, in code order"
    );
    let lower = "fields: [{ name: age }, { name: region, min: -1 }]";
    let message = refused(plain(), &schema(lower));
    assert!(message.ends_with("min: the model reads a code there, which is at least 0"), "{message}");
}

#[test]
fn a_field_has_one_meaning() {
    let category =
        |levels: [&str; 2]| InputKind::Category { levels: levels.map(str::to_owned).into(), admit_unknown: true };
    let mut model = foreign([input("a", category(["x", "y"])), input("b", category(["y", "x"]))]);
    if let Head::Trees(trees) = &mut model.estimator.head {
        trees.trees[0].nodes[0] = split(0, Test::In(vec![1]), 1);
    }
    let message = refused(model, &schema("fields: [{ name: q }]\nfeatures: [q, q]"));
    assert!(message.contains("it feeds inputs of the model whose levels differ"), "{message}");
}
