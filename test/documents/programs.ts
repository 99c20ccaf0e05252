/** Programs that read what we wrote: poppler for PDF, Chromium for HTML. Undefined where they are not installed. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

function installed(program: string): string | undefined {
  const path = ["/usr/bin", "/usr/local/bin"].map((dir) => join(dir, program)).find(existsSync);
  if (!path) console.warn(`SKIPPED: ${program} is not installed, so nothing is proven with it here.`);
  return path;
}

export const PDFTOTEXT = installed("pdftotext");
export const CHROMIUM = installed("chromium");

function inScratch<Result>(work: (dir: string) => Result): Result {
  const dir = mkdtempSync(join(tmpdir(), "laddport-document-"));
  try {
    return work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Text in the order of the pages' content. */
export function textOfPdf(bytes: Uint8Array): string {
  return inScratch((dir) => {
    const file = join(dir, "document.pdf");
    writeFileSync(file, bytes);
    return execFileSync(PDFTOTEXT ?? "pdftotext", ["-raw", "-enc", "UTF-8", file, "-"], { encoding: "utf8" });
  });
}

/** What poppler says of a PDF: `pdfinfo`, `pdffonts` or `pdfinfo -struct-text`. */
export function askPdf(program: "pdfinfo" | "pdffonts", bytes: Uint8Array, ...options: string[]): string {
  return inScratch((dir) => {
    const file = join(dir, "document.pdf");
    writeFileSync(file, bytes);
    return execFileSync(program, [...options, file], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  });
}

function chromium(dir: string, html: string, option: string): string {
  const page = join(dir, "page.html");
  writeFileSync(page, html);
  const options = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    `--user-data-dir=${join(dir, "profile")}`,
    "--no-pdf-header-footer",
    option,
    pathToFileURL(page).href,
  ];
  return execFileSync(CHROMIUM ?? "chromium", options, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** The page as a browser prints it. */
export function printed(html: string): Uint8Array {
  return inScratch((dir) => {
    chromium(dir, html, `--print-to-pdf=${join(dir, "page.pdf")}`);
    return readFileSync(join(dir, "page.pdf"));
  });
}

/** The document that a browser made of the page. */
export function domOf(html: string): string {
  return inScratch((dir) => chromium(dir, html, "--dump-dom"));
}
