// What a `.hedge` file says of itself in its JSON header: what it was trained on and how well it did. Only for showing: the engine
// reads the body and proves it before this is looked at, so a header that makes no sense merely shows nothing.

const SIGNATURE = [0x89, 0x48, 0x45, 0x44, 0x47, 0x45, 0x0d, 0x0a, 0x1a, 0x0a];
/** Where the header's length stands (u32, little endian), and where the header begins. */
const LENGTH_AT = 12;
const HEADER_AT = 56;

/** Whether the bytes begin as a `.hedge` file does. */
export const isHedge = (bytes) => SIGNATURE.every((byte, i) => bytes[i] === byte);

/** The header as an object; empty where it cannot be read. */
export function header(bytes) {
  if (!isHedge(bytes) || bytes.length < HEADER_AT) return {};
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(LENGTH_AT, true);
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER_AT, HEADER_AT + length)));
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}
