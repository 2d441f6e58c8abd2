//! What [`Graph::read`] makes of sound, odd and hostile files.

#![allow(clippy::unwrap_used)]

use prost::Message;

use super::graph::{Graph, ML, ValueKind};
use super::node::Attribute;
use super::proto::*;
use super::tensor::{Data, Element, Tensor};

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.into()), r#type: Some(kind as i32), ..AttributeProto::default() }
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: Some(op.into()),
        input: inputs.iter().map(|&s| s.into()).collect(),
        output: outputs.iter().map(|&s| s.into()).collect(),
        ..NodeProto::default()
    }
}

fn value(name: &str, element: DataType, shape: &[Option<i64>]) -> ValueInfoProto {
    let dim = |d: &Option<i64>| DimensionProto { dim_value: *d, dim_param: d.is_none().then(|| "n".into()) };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor = TensorTypeProto { elem_type: Some(element as i32), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
        doc_string: None,
    }
}

/// `y = Scaler(x) * c + k`, written out of order.
fn sound() -> ModelProto {
    let opset = |domain: &str, version| OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) };
    let mut scaler = node("Scaler", &["x"], &["s"]);
    scaler.domain = Some(ML.into());
    scaler.name = Some("scale".into());
    scaler.attribute.push(AttributeProto { floats: vec![1.0, 2.0], ..attribute("offset", AttributeType::Floats) });
    scaler.attribute.push(AttributeProto { floats: vec![0.5, 0.25], ..attribute("scale", AttributeType::Floats) });
    let mut constant = node("Constant", &[], &["k"]);
    let k = Tensor::vector(Data::F32(vec![3.0, 4.0])).unwrap();
    constant
        .attribute
        .push(AttributeProto { t: Some(Box::new(k.to_proto(None))), ..attribute("value", AttributeType::Tensor) });
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![opset("ai.onnx", 15), opset(ML, 3)],
        producer_name: Some("test".into()),
        graph: Some(GraphProto {
            node: vec![node("Add", &["m", "k"], &["y"]), node("Mul", &["s", "c"], &["m"]), scaler, constant],
            name: Some("g".into()),
            initializer: vec![Tensor::scalar(Data::F32(vec![2.0])).unwrap().to_proto(Some("c"))],
            input: vec![value("x", DataType::Float, &[None, Some(2)]), value("c", DataType::Float, &[])],
            output: vec![value("y", DataType::Float, &[None, Some(2)])],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

/// The error of the sound model changed by `change`.
fn refused(change: impl Fn(&mut ModelProto)) -> String {
    let mut model = sound();
    change(&mut model);
    Graph::read(&model.encode_to_vec()).unwrap_err().to_string()
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

#[test]
fn a_graph_is_ordered_and_typed() {
    let graph = Graph::read(&sound().encode_to_vec()).unwrap();
    assert_eq!(graph.nodes.iter().map(|n| n.op.as_str()).collect::<Vec<_>>(), ["Scaler", "Mul", "Add"]);
    assert_eq!(graph.inputs.len(), 1);
    let kind = ValueKind::Tensor { element: Some(Element::F32), shape: Some(vec![None, Some(2)]) };
    assert_eq!(graph.inputs[0].kind, kind);
    assert_eq!(graph.constant("k").unwrap().data, Data::F32(vec![3.0, 4.0]));
    assert_eq!(graph.constant("c").unwrap().shape, [0usize; 0]);
    let scaler = graph.maker("s").unwrap();
    assert_eq!((scaler.opset, scaler.name.as_str()), (3, "scale"));
    assert_eq!(scaler.floats("scale").unwrap(), Some([0.5, 0.25].as_slice()));
    assert_eq!(scaler.int("absent", 7).unwrap(), 7);
    assert_eq!(graph.readers("s").map(|n| n.op.as_str()).collect::<Vec<_>>(), ["Mul"]);
    let e = scaler.floats("scale").and(scaler.ints("scale")).unwrap_err().to_string();
    assert_eq!(e, "node `scale` (Scaler): attribute `scale` holds numbers in place of whole numbers");
    let e = scaler.only(&["offset"]).unwrap_err().to_string();
    assert_eq!(
        e,
        "node `scale` (Scaler): attribute `scale` is not understood in version 3 of its operators; known: offset"
    );
}

#[test]
fn what_is_not_understood_is_named() {
    type Change = Box<dyn Fn(&mut ModelProto)>;
    let cases: Vec<(&str, Change)> = vec![
        ("no graph", Box::new(|m| m.graph = None)),
        ("functions", Box::new(|m| m.functions.push(Vec::new()))),
        ("training", Box::new(|m| m.training_info.push(vec![1]))),
        ("sparse constants", Box::new(|m| graph(m).sparse_initializer.push(Vec::new()))),
        ("cycle", Box::new(|m| graph(m).node[2].input[0] = "y".into())),
        ("`nowhere`, which nothing makes", Box::new(|m| graph(m).node[0].input[0] = "nowhere".into())),
        ("nothing makes the output `z`", Box::new(|m| graph(m).output[0].name = Some("z".into()))),
        ("made elsewhere too", Box::new(|m| graph(m).node[1].output[0] = "s".into())),
        ("made elsewhere too", Box::new(|m| graph(m).node[1].output[0] = "x".into())),
        ("two constants are named `c`", Box::new(|m| graph(m).node[3].output[0] = "c".into())),
        ("two inputs are named `x`", Box::new(|m| graph(m).input[1].name = Some("x".into()))),
        ("version 99 of the operators `ai.onnx`", Box::new(|m| m.opset_import[0].version = Some(99))),
        ("which version of the operators `ai.onnx.ml`", Box::new(|m| m.opset_import.truncate(1))),
        (
            "subgraph",
            Box::new(|m| {
                graph(m).node[0]
                    .attribute
                    .push(AttributeProto { g: Some(vec![]), ..attribute("then", AttributeType::Float) })
            }),
        ),
        (
            "attributes of type 13",
            Box::new(|m| {
                graph(m).node[2].attribute.push(AttributeProto {
                    r#type: Some(13),
                    name: Some("q".into()),
                    ..AttributeProto::default()
                })
            }),
        ),
        ("holds values of another type", Box::new(|m| graph(m).node[2].attribute[0].r#type = Some(7))),
        ("is there twice", Box::new(|m| graph(m).node[2].attribute[1].name = Some("offset".into()))),
        ("has no name", Box::new(|m| graph(m).node[2].attribute[1].name = None)),
        ("another file", Box::new(|m| graph(m).initializer[0].data_location = Some(1))),
        ("FLOAT16 (10)", Box::new(|m| graph(m).initializer[0].data_type = Some(10))),
        ("too large", Box::new(|m| graph(m).initializer[0].dims = vec![1 << 62])),
        ("too large", Box::new(|m| graph(m).initializer[0].dims = vec![0, 1 << 62])),
        ("too large", Box::new(|m| graph(m).initializer[0].dims = vec![1 << 20, 1 << 20])),
        ("4 bytes of values in place of the 8", Box::new(|m| graph(m).initializer[0].dims = vec![2])),
        ("length -1", Box::new(|m| graph(m).initializer[0].dims = vec![-1])),
        ("17 dimensions", Box::new(|m| graph(m).initializer[0].dims = vec![1; 17])),
        ("has 5000 bytes", Box::new(|m| graph(m).node[0].name = Some("n".repeat(5000)))),
        (
            "not UTF-8",
            Box::new(|m| {
                graph(m).node[0]
                    .attribute
                    .push(AttributeProto { s: Some(vec![0xff]), ..attribute("t", AttributeType::String) })
            }),
        ),
        ("no name", Box::new(|m| graph(m).node[0].op_type = None)),
    ];
    for (part, change) in cases {
        let message = refused(change);
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn an_attribute_without_a_type_is_known_by_its_value() {
    let mut model = sound();
    for attribute in &mut graph(&mut model).node[2].attribute {
        attribute.r#type = None;
    }
    let graph = Graph::new(model).unwrap();
    assert_eq!(graph.maker("s").unwrap().attribute("offset"), Some(&Attribute::Floats(vec![1.0, 2.0])));
}

#[test]
fn every_truncation_and_every_flipped_byte_is_read_or_refused() {
    let file = sound().encode_to_vec();
    let refused = (0..file.len()).filter(|&n| Graph::read(&file[..n]).is_err()).count();
    // Cut where a field of the model ends, a file has no graph or one without its last fields.
    assert!(refused >= file.len() - 4, "{refused} of {}", file.len());
    for i in 0..file.len() {
        for bit in 0..8 {
            let mut file = file.clone();
            file[i] ^= 1 << bit;
            let _ = Graph::read(&file);
        }
    }
}

#[test]
fn many_tiny_messages_and_deep_nesting_take_no_memory_and_no_stack() {
    // A graph of empty nodes: two bytes each in the file.
    let nodes = [0x0a, 0x00].repeat(MAX_MESSAGES + 1);
    let e = ModelProto::read(&field(7, &nodes)).unwrap_err().to_string();
    assert!(e.contains("nodes, attributes, tensors and other messages; at most"), "{e}");
    let strings = field(7, &field(1, &[0x0a, 0x00].repeat(MAX_STRINGS + 1)));
    let e = ModelProto::read(&strings).unwrap_err().to_string();
    assert!(e.contains("strings; at most"), "{e}");
    // A list of lists of lists.
    let nested = field(7, &field(11, &field(2, &nest(100_000))));
    let e = ModelProto::read(&nested).unwrap_err().to_string();
    assert!(e.contains("nested too deeply"), "{e}");
}

/// `bytes` as the field `tag` of a message.
fn field(tag: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::bytes::encode(tag, &bytes.to_vec(), &mut out);
    out
}

/// A type of lists, `depth` deep; written backwards, since each level holds the length of those within.
fn nest(depth: usize) -> Vec<u8> {
    let mut reversed: Vec<u8> = Vec::new();
    for level in 0..2 * depth {
        let mut head = Vec::new();
        prost::encoding::encode_key(
            if level % 2 == 0 { 1 } else { 4 },
            prost::encoding::WireType::LengthDelimited,
            &mut head,
        );
        prost::encoding::encode_varint(reversed.len() as u64, &mut head);
        reversed.extend(head.iter().rev());
    }
    reversed.reverse();
    reversed
}
