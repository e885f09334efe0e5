import { beforeEach, describe, expect, it } from "vitest";
import { typeAgain, typedIn } from "./typed";

const FORM = `<form><input type="hidden" name="csrf" value="t"><input name="email" type="email" value="old@example.org">
  <input name="password" type="password"></form>`;
const field = (name: string) => document.querySelector<HTMLInputElement>(`input[name=${name}]`)!;

describe("a form that is drawn anew", () => {
  beforeEach(() => {
    document.body.innerHTML = FORM;
  });

  it("keeps what was typed and where the cursor was, and writes no password into the markup", () => {
    field("email").value = "ada@example.org";
    field("password").value = "correct horse";
    field("password").focus();
    field("password").setSelectionRange(3, 5);
    const typed = typedIn(document.body);
    document.body.innerHTML = FORM.replace('value="t"', 'value="newer"');
    typeAgain(document.body, typed);
    expect([field("email").value, field("password").value, field("csrf").value]).toEqual([
      "ada@example.org",
      "correct horse",
      "newer",
    ]);
    expect(field("password").getAttribute("value")).toBeNull();
    expect(document.activeElement).toBe(field("password"));
    expect([field("password").selectionStart, field("password").selectionEnd]).toEqual([3, 5]);
  });

  it("leaves what nobody typed to the new form, and the cursor where that puts it", () => {
    const typed = typedIn(document.body);
    document.body.innerHTML = FORM.replace("old@", "new@");
    field("password").focus();
    typeAgain(document.body, typed);
    expect(field("email").value).toBe("new@example.org");
    expect(document.activeElement).toBe(field("password"));
  });

  it("puts the cursor behind a mail address, whose selection browsers do not tell", () => {
    field("email").value = "ad";
    field("email").focus();
    const typed = typedIn(document.body);
    document.body.innerHTML = FORM;
    typeAgain(document.body, typed);
    expect([field("email").value, field("email").type]).toEqual(["ad", "email"]);
    expect(document.activeElement).toBe(field("email"));
  });
});
