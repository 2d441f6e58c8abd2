// A contender's process, as the conductor holds it.
import { fork, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { models, python, root } from "./places.mjs";

const benches = join(root, "benches");
/** Longest that a contender may take to start, or for a slice. */
const PATIENCE = 180_000;

export class Contender {
  #child;
  #waiting = null;
  #ended;
  /** Why it answers no more. */
  #over = null;

  /** Starts it, and resolves when it is ready; rejects with what it says against it. */
  static async start({ contender, native }, model) {
    const self = new Contender();
    self.name = contender;
    if (native) {
      self.#child = spawn(python, [join(benches, "native.py"), contender, join(models, model)], { stdio: ["pipe", "pipe", "pipe"] });
      createInterface({ input: self.#child.stdout }).on("line", (line) => self.#hear(line.startsWith("{") ? JSON.parse(line) : null));
      self.#child.stdin.on("error", () => {});
    } else {
      self.#child = fork(join(benches, "contender.mjs"), [contender, model], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
      self.#child.stdout.resume();
      self.#child.on("message", (message) => self.#hear(message));
    }
    let stderr = "";
    self.#child.stderr.on("data", (chunk) => (stderr = (stderr + chunk).slice(-2000)));
    self.#child.on("error", (error) => self.#end(error.message));
    self.#ended = new Promise((done) =>
      self.#child.on("close", (status) => {
        self.#end(`it ended with ${status}: ${stderr.trim().split("\n").at(-1)}`);
        done();
      }),
    );
    try {
      await self.#next();
    } catch (error) {
      await self.stop();
      throw error;
    }
    return self;
  }

  #hear(message) {
    if (message !== null) this.#waiting?.(message);
  }

  /** A late answer would be taken for that to the next question: who is late or gone is asked no more. */
  #end(error) {
    this.#over ??= error;
    this.#child.kill("SIGKILL");
    this.#hear({ error: this.#over });
  }

  #next() {
    return new Promise((done, failed) => {
      const timer = setTimeout(() => this.#end(`no answer after ${PATIENCE / 1000} s`), PATIENCE);
      this.#waiting = (message) => {
        clearTimeout(timer);
        this.#waiting = null;
        if (message.error) failed(new Error(message.error));
        else done(message);
      };
    });
  }

  async ask(message) {
    if (this.#over !== null) throw new Error(this.#over);
    const answer = this.#next();
    if (this.#child.send) this.#child.send(message);
    else this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    return answer;
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#waiting = null;
      this.#child.kill("SIGKILL");
    }
    await this.#ended;
  }
}
