export const X = JSON.parse(process.env.X ?? "{}");
