use super::*;
use crate::data::{Hints, Reader, infer};

fn table(text: &str) -> Table {
    Table::from_reader(Reader::new(std::io::Cursor::new(text.to_owned()), None).unwrap()).unwrap()
}

fn dataset(text: &str) -> (Table, Dataset) {
    let table = table(text);
    let inferred = infer(&table, &Hints { target: "y".into(), ..Hints::default() }).unwrap();
    let data = Dataset::from_table(&table, &inferred.schema, "y", &inferred.classes, &AsOf::At(7.0)).unwrap();
    (table, data)
}

#[test]
fn rows_labels_and_times_come_from_the_table() {
    let text = "n,c,when,y\n1,b,2026-01-01,no\n,a,2026-01-02,yes\n-0,,2026-01-03,no\n";
    let table = table(text);
    let hints = Hints { target: "y".into(), as_of: Some("when".into()), ..Hints::default() };
    let inferred = infer(&table, &hints).unwrap();
    let data =
        Dataset::from_table(&table, &inferred.schema, "y", &inferred.classes, &AsOf::Column("when".into())).unwrap();
    let bits = |row: usize| data.rows.row(row).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let nan = f64::NAN.to_bits();
    assert_eq!(data.rows.dim(), (3, 2));
    assert_eq!(bits(0), [1.0_f64.to_bits(), 1.0_f64.to_bits()]);
    assert_eq!(bits(1), [nan, 0.0_f64.to_bits()]);
    assert_eq!(bits(2), [0.0_f64.to_bits(), nan]);
    assert_eq!(data.y, [0, 1, 0]);
    assert_eq!(data.as_of, [1_767_225_600.0, 1_767_312_000.0, 1_767_398_400.0]);
}

#[test]
fn rows_that_do_not_pass_are_kept_apart_and_told() {
    let (_, train) = dataset("n,c,y\n1,a,no\n2,b,yes\n");
    let test = table("c,n,y\na,1,no\nz,x,yes\nb,,no\n");
    let data = Dataset::from_table(&test, &train.schema, "y", &train.classes, &AsOf::At(0.0)).unwrap();
    assert_eq!((data.len(), data.source.clone(), data.rejected.len()), (1, vec![0], 2));
    assert_eq!((data.rejected[0].line, data.rejected[0].violations.len()), (3, 2));
    assert_eq!(
        data.strict().unwrap_err().to_string(),
        "2 of 3 rows do not fit the schema\n  line 3: `n`: a number is expected, not `x`\n  \
         line 3: `c`: `z` is none of its levels: `a`, `b`\n  line 4: `n`: a value is required"
    );
}

#[test]
fn what_is_missing_is_named() {
    let (_, train) = dataset("n,c,y\n1,a,no\n2,b,yes\n");
    let error = |text: &str, as_of: AsOf| {
        Dataset::from_table(&table(text), &train.schema, "y", &train.classes, &as_of).unwrap_err().to_string()
    };
    for (text, message) in [
        ("N,c,y\n1,a,no\n", "the data has no column `n` (did you mean `N`?)"),
        ("n,c,label\n1,a,no\n", "the data has no column `y`"),
        (
            "n,c,y\n1,a,no\n1,a,No\n",
            "line 3: the target `y` is `No`, which is none of the model's 2 classes (did you mean `no`?)",
        ),
        ("n,c,y\n1,a,\n", "line 2: the target `y` has no value: every row needs a label"),
    ] {
        assert_eq!(error(text, AsOf::At(0.0)), message);
    }
    assert_eq!(
        error("n,c,y,t\n1,a,no,soon\n", AsOf::Column("t".into())),
        "line 2: the event time `t`: a time (2026-01-31, 2026-01-31T09:30:00Z or milliseconds since 1970) is expected, not `soon`"
    );
    assert_eq!(
        error("n,c,y,t\n1,a,no,\n", AsOf::Column("t".into())),
        "line 2: the event time `t`: a value is required"
    );
}

#[test]
fn a_split_is_stratified_and_follows_its_seed() {
    let text: String =
        (0..103).map(|i| format!("{}.5,{}\n", i % 11, if i % 10 == 0 { "rare" } else { "usual" })).collect();
    let (_, data) = dataset(&format!("n,y\n{text}"));
    let (train, validation) = data.split(0.2, 1);
    let rare = |part: &[usize]| part.iter().filter(|&&i| data.y[i] == 0).count();
    assert_eq!((train.len(), validation.len()), (83, 20));
    assert_eq!((rare(&train), rare(&validation)), (9, 2));
    let mut all = [train.clone(), validation.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..103).collect::<Vec<_>>());
    assert_eq!(data.split(0.2, 1), (train.clone(), validation));
    assert_ne!(data.split(0.2, 2).0, train);
    assert_eq!(data.split(0.0, 1).1.len(), 0);
    assert_eq!(rare(&data.split(0.001, 1).1), 1, "each class is on either side");

    let part = data.subset(&[100, 3]);
    assert_eq!((part.len(), part.rows[[0, 0]], part.source), (2, data.rows[[100, 0]], vec![100, 3]));
}

#[test]
fn the_first_split_stays_what_it_was() {
    let text: String = (0..20).map(|i| format!("{}.5,{}\n", i % 11, i % 2)).collect();
    let (_, data) = dataset(&format!("n,y\n{text}"));
    assert_eq!(
        data.split(0.25, 42).1,
        [4, 9, 11, 14, 16, 17],
        "a file that was trained before would come out different"
    );
}

#[test]
fn witnesses_read_as_their_rows() {
    let csv = "n,c,f,t,y\n 1e0 ,b,yes,2026-01-01,no\n,a,,1767312000000,yes\n-0,,f,2026-01-03 10:00:00.5+01:00,no\n";
    let json = "{\"n\": 1.50, \"c\": \" a\", \"f\": true, \"t\": 1.7673e12, \"m\": 1.0, \"y\": 0}\n\
                {\"n\": 1e999, \"c\": \"b\", \"t\": \"2026-01-02\", \"m\": \"x\", \"y\": 1}\n";
    for text in [csv, json] {
        let table = table(text);
        let hints =
            Hints { target: "y".into(), time: vec!["t".into()], categorical: vec!["c".into()], ..Hints::default() };
        let inferred = match infer(&table, &hints) {
            Ok(inferred) => inferred,
            Err(_) => infer(&table, &Hints { drop: vec!["n".into()], ..hints }).unwrap(),
        };
        let data = Dataset::from_table(&table, &inferred.schema, "y", &inferred.classes, &AsOf::At(0.0)).unwrap();
        assert!(data.rejected.is_empty());
        for i in 0..data.len() {
            let witness = data.witness(&table, i);
            let mut row = vec![0.0; inferred.schema.fields.len()];
            inferred.schema.row(&RawRecord(&witness), &mut row).unwrap();
            let bits = |v: &f64| if v.is_nan() { u64::MAX } else { v.to_bits() };
            assert!(row.iter().map(bits).eq(data.rows.row(i).iter().map(bits)), "{witness:?}");
        }
    }
    let (table, data) = dataset("n,y\n 1e0 ,a\n2.50,b\n");
    assert_eq!(data.witness(&table, 1), [Some("2.50".into())], "the text of the file where it does");
}
