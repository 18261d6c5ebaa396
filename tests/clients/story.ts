// What a developer writes against the generated types: it has to compile as it stands.
import type { components, operations, paths } from "./client";

type Register = operations["RegisterComplaint"]["requestBody"]["content"]["application/json"];
type Registered = operations["RegisterComplaint"]["responses"][201]["content"]["application/json"];
type Complaint = components["schemas"]["ComplaintDocument"];
type Problem = components["schemas"]["Problem"];
type Query = NonNullable<operations["ListComplaints"]["parameters"]["query"]>;

const path: keyof paths = "/v1/complaints";
const search: Query = { q: "空调 漏水", sort: "-due_at,received_at", limit: 20 };
const complaint: Register = {
  channel: "phone",
  source_system: "hotline",
  nature: "complaint",
  origin: "person",
  product: { model: "KFR-35GW" },
};

// @ts-expect-error: without a channel it is no registration
const incomplete: Register = { source_system: "hotline", nature: "complaint", origin: "person" };

// @ts-expect-error: a nature is one of a closed list
const mistyped: Register = { ...complaint, nature: "grumble" };

export async function register(base: string, key: string): Promise<string> {
  const answer = await fetch(base + path, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Idempotency-Key": "story-1" },
    body: JSON.stringify(complaint),
  });
  if (answer.status !== 201) {
    const problem = (await answer.json()) as Problem;
    throw new Error(`${problem.code}: ${problem.detail}`);
  }
  const registered = (await answer.json()) as Registered;
  return registered.complaint_id;
}

export function open(document: Complaint): string[] {
  const tasks = document.tasks ?? [];
  return tasks.filter((task) => task.status === "open").map((task) => task.task_id);
}

export { incomplete, mistyped, search };
