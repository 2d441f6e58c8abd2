// CSV in pieces: text comes in as it is read, rows go out as they are complete. Papa Parse does the parsing; here is what a
// stream needs around it. Nothing here touches the page, so Node tests it as it is.

/** Longest row accepted, in characters: beyond it a quote was most likely left open, and memory is not unlimited. */
export const MAX_ROW = 1 << 20;
/** Most columns accepted: as many as a model may have fields. */
export const MAX_COLUMNS = 65_536;

/** A problem with the file as a whole, in words for the person who dropped it. */
export class CsvError extends Error {}

/**
 * Turns pieces of text into rows: `push(text)` and `end()` return arrays of `{ cells, line }`. `line`: the line of the file that the row
 * begins on, from 1. Empty lines are passed over. Quotes that do not match are the file's fault, not one row's: where the row ends
 * is then anybody's guess, and rows must not vanish into a cell.
 */
export class CsvRows {
  #parser; #delimiter; #newline; #rest = ""; #line = 1; #Papa; #fields;

  /** `Papa`: the library. `fields`: names expected in the header; the separator (comma, semicolon, tab) that finds most of them is the file's. */
  constructor(Papa, fields) {
    this.#Papa = Papa;
    this.#fields = new Set(fields);
  }

  push(text) {
    this.#rest += text;
    if (!this.#parser && !this.#begin(false)) return [];
    return this.#take(false);
  }

  end() {
    if (!this.#parser) this.#begin(true);
    const rows = this.#take(true);
    this.#rest = "";
    return rows;
  }

  /** Settles separator and line end on the first line; false while that line is still coming. */
  #begin(last) {
    const end = this.#rest.search(/[\r\n]/);
    if (!last && (end < 0 || end === this.#rest.length - 1)) {
      this.#limit();
      return false;
    }
    const line = end < 0 ? this.#rest : this.#rest.slice(0, end);
    this.#newline = end >= 0 && this.#rest[end] === "\r" && this.#rest[end + 1] !== "\n" ? "\r" : "\n";
    const hits = (delimiter) => {
      const cells = new this.#Papa.Parser({ delimiter, newline: "\n" }).parse(line, 0, false).data[0] ?? [];
      return cells.filter((cell) => this.#fields.has(cell.trim())).length;
    };
    this.#delimiter = [",", ";", "\t"].reduce((best, d) => (hits(d) > hits(best) ? d : best));
    this.#parser = new this.#Papa.Parser({ delimiter: this.#delimiter, newline: this.#newline });
    return true;
  }

  #take(last) {
    const { data, errors, meta } = this.#parser.parse(this.#rest, 0, !last);
    // A row that is still coming may look broken; it is parsed again with what follows.
    const wrong = errors.find((error) => last || error.row < data.length)?.row;
    this.#rest = this.#rest.slice(meta.cursor);
    const rows = [];
    data.forEach((cells, i) => {
      // Lines end in LF or CR LF, mixed or not.
      if (this.#newline === "\n" && cells.at(-1).endsWith("\r")) cells[cells.length - 1] = cells.at(-1).slice(0, -1);
      const line = this.#line;
      if (i === wrong) throw new CsvError(`line ${line}: the quotes do not match; within quotes, a quote is written twice`);
      this.#line += 1 + cells.reduce((sum, cell) => sum + (cell.includes(this.#newline) ? cell.split(this.#newline).length - 1 : 0), 0);
      if (cells.length === 1 && cells[0] === "") return;
      rows.push({ cells, line });
    });
    if (!last) this.#limit();
    return rows;
  }

  #limit() {
    if (this.#rest.length > MAX_ROW) throw new CsvError(`the row at line ${this.#line} is longer than ${MAX_ROW} characters, the most a row may have; is a quote left open?`);
  }
}

/** A cell as the result file holds it: quoted only where it must be. */
export function quoted(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line of the result file. */
export const line = (cells) => `${cells.map(quoted).join(",")}\n`;
