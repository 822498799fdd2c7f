/** Colours of lines in one chart, told apart by the colour-blind too (after Okabe and Ito). */
export const LINE_COLOURS = /* css */ `
:root { --run0: #0f766e; --run1: #c2410c; --run2: #1d4ed8; --run3: #a21caf; --run4: #a16207; --run5: #0369a1; --run6: #be123c; --run7: #4d7c0f; }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { --run0: #4fd1c0; --run1: #fb923c; --run2: #7aa5ff; --run3: #e879f9; --run4: #facc15; --run5: #67c7f5; --run6: #fb7185; --run7: #a3e635; } }
:root[data-theme=dark] { --run0: #4fd1c0; --run1: #fb923c; --run2: #7aa5ff; --run3: #e879f9; --run4: #facc15; --run5: #67c7f5; --run6: #fb7185; --run7: #a3e635; }
`;
