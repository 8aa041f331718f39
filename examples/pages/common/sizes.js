const UNITS = ["bytes", "KB", "MB", "GB"];

/** @param {number} bytes @returns {string} 512 bytes, 1.4 MB */
export function fileSize(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** @param {string} mediaType @param {string} name @returns {string} what a card shows of a file: PDF, ZIP, TXT */
export function fileKind(mediaType, name) {
  const ending = /\.([\p{L}\p{N}]{1,5})$/u.exec(name)?.[1];
  return (ending ?? mediaType.split("/").pop() ?? "file").replace(/^x-/, "").slice(0, 5).toUpperCase();
}
