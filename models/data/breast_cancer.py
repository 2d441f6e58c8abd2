"""Writes breast_cancer_train.csv and breast_cancer_test.csv from the copy of the data that scikit-learn ships.

    pip install scikit-learn==1.9.1
    python3 models/data/breast_cancer.py

The split is stratified by diagnosis and seeded; together the two files are all 569 rows.
"""
import csv
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

data = load_breast_cancer()
columns = [name.replace(" ", "_") for name in data.feature_names] + ["diagnosis"]
rows = [[repr(float(v)) for v in x] + [str(data.target_names[y])] for x, y in zip(data.data, data.target)]
train, test = train_test_split(rows, test_size=0.2, random_state=42, stratify=data.target)
for name, part in [("train", train), ("test", test)]:
    with open(Path(__file__).parent / f"breast_cancer_{name}.csv", "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(part)
