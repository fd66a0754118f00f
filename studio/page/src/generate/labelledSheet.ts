/** A grid as one image with its labels, drawn here: the images are on this page already. */

interface Sheet {
  columns: string[];
  rows: string[];
  cells: (string | null)[][]; // addresses of images
}

const gap = 8;
const line = 20;
const smallest = 192; // pixels of a cell's side: an image of the miniature is drawn larger, with its own pixels

async function load(address: string | null): Promise<HTMLImageElement | null> {
  if (!address) return null;
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Breaks a label at spaces; a word that is too long stays whole. */
function lines(pen: CanvasRenderingContext2D, text: string, width: number): string[] {
  const found: string[] = [];
  for (const word of text.split(" ")) {
    const last = found[found.length - 1];
    if (last !== undefined && pen.measureText(`${last} ${word}`).width <= width) found[found.length - 1] = `${last} ${word}`;
    else found.push(word);
  }
  return found;
}

function write(pen: CanvasRenderingContext2D, text: string[], x: number, y: number) {
  text.forEach((each, at) => pen.fillText(each, x, y + line * at));
}

export async function labelledSheet(sheet: Sheet): Promise<Blob> {
  const images = await Promise.all(sheet.cells.map((row) => Promise.all(row.map(load))));
  const first = images.flat().find((image) => image !== null);
  const factor = Math.max(1, Math.ceil(smallest / (first?.naturalWidth ?? smallest)));
  const width = (first?.naturalWidth ?? smallest) * factor;
  const height = (first?.naturalHeight ?? smallest) * factor;
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d")!;
  const font = "15px system-ui, sans-serif";
  pen.font = font;
  const across = sheet.columns.map((text) => lines(pen, text, width));
  const down = sheet.rows.map((text) => lines(pen, text, 180));
  const left = gap + Math.ceil(Math.max(...down.flat().map((text) => pen.measureText(text).width)));
  const top = gap + line * Math.max(...across.map((text) => text.length));
  canvas.width = left + (width + gap) * sheet.columns.length + gap;
  canvas.height = top + (height + gap) * sheet.rows.length + gap;
  Object.assign(pen, { fillStyle: "white", font, textBaseline: "top", imageSmoothingEnabled: false });
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "black";
  across.forEach((text, at) => write(pen, text, left + gap + (width + gap) * at, gap / 2));
  down.forEach((text, at) => write(pen, text, gap / 2, top + gap + (height + gap) * at));
  images.forEach((row, y) =>
    row.forEach((image, x) => image && pen.drawImage(image, left + gap + (width + gap) * x, top + gap + (height + gap) * y, width, height)),
  );
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the sheet is too large for this browser"))), "image/png"));
}

/** Gives a blob to the user, under a name. */
export function save(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
