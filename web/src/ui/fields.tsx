import { type ReactNode, useId } from "react";

/** One labelled field with what the server said of it; `children` gets what ties the two together. */
export function Labelled(props: {
  label: string;
  problems: readonly string[];
  children: (tied: { id: string; "aria-invalid"?: true; "aria-describedby"?: string }) => ReactNode;
}) {
  const id = useId();
  const wrong = props.problems.length > 0;
  return (
    <div className="form-field">
      <label htmlFor={id}>{props.label}</label>
      {props.children({ id, ...(wrong ? { "aria-invalid": true, "aria-describedby": `${id}-why` } : {}) })}
      {wrong && (
        <p className="field-reason" id={`${id}-why`}>
          {props.problems.join("; ")}
        </p>
      )}
    </div>
  );
}
