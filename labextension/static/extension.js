// SQL in the cells of %%mysql_load, for JupyterLab 4 and Notebook 7.
//
// A prebuilt extension as JupyterLab loads it, written by hand: a container of module federation
// (init, get) whose one module is a plugin. All that it needs is JupyterLab's own, which it gets
// from the scope that they share; so there is nothing to bundle, and what is read here is what runs.
//
// It is needed because JupyterLab has no setting for cell magics (the classic notebook's
// highlight_modes is gone) and a kernel cannot name their language. Not done: a terminal's IPython
// makes its lexer for each prompt from a list without a hook; nbconvert takes the language from its
// own configuration only (c.HighlightMagicsPreprocessor.languages = {"%%mysql_load": "mysql"}).
(() => {
  'use strict';

  const NAME = 'sidecar-magics';
  const MIME = 'text/x-mysql';
  const CELL_MAGIC = /^\s*%%\s*(\w+)(?:\s|$)/;
  const FARTHEST_LINE = 10;
  // A cell of SQL is not Python, and its first lines are neither.
  const LOOK = {
    '.cm-line.sidecar-magics-line, .cm-line.sidecar-magics-line span': {
      color: 'var(--jp-mirror-editor-meta-color)',
      fontStyle: 'normal',
      fontWeight: 'normal'
    }
  };

  let scope = null;

  // The version of a package that the application has loaded, else the one that it would load.
  async function shared(name) {
    const versions = Object.values(scope[name] || {});
    const entry = versions.find(each => each.loaded) || versions.find(each => each.eager) || versions[0];
    if (!entry) {
      throw new Error(`${NAME}: this application does not share ${name}`);
    }
    return (await entry.get())();
  }

  // The number of lines up to the one with %%mysql_load; 0 if the cell is not one of SQL.
  function magicLines(doc) {
    for (let number = 1; number <= Math.min(doc.lines, FARTHEST_LINE); number++) {
      const text = doc.line(number).text;
      const match = CELL_MAGIC.exec(text);
      if (match && match[1] === 'mysql_load') {
        return number;
      }
      if (!match && text.trim()) {
        return 0;
      }
    }
    return 0;
  }

  function sqlExtension({ Compartment, EditorState, Prec, StateField }, view, load) {
    const { Decoration, EditorView, ViewPlugin } = view;
    const line = Decoration.line({ class: 'sidecar-magics-line' });
    const ours = new Compartment();
    let sql = null;

    const head = StateField.define({
      create: state => magicLines(state.doc),
      update: (lines, transaction) =>
        transaction.docChanged ? magicLines(transaction.newDoc) : lines
    });
    // Before the language that the kernel has given the cell. Where it is not wanted there must be
    // nothing: an editor may have no language at all.
    const language = isWanted => (isWanted ? Prec.highest(sql.extension) : []);
    const follow = EditorState.transactionExtender.of(transaction => {
      if (!sql || !transaction.docChanged) {
        return null;
      }
      const isWanted = magicLines(transaction.newDoc) > 0;
      return isWanted === magicLines(transaction.startState.doc) > 0
        ? null
        : { effects: ours.reconfigure(language(isWanted)) };
    });
    const loader = ViewPlugin.define(editor => {
      let isThere = true;
      let isAsked = false;
      // The language comes over the network, so only where a cell needs it, and after the cell.
      const look = () => {
        if (isAsked || !editor.state.field(head)) {
          return;
        }
        isAsked = true;
        load().then(found => {
          sql = found;
          if (isThere) {
            editor.dispatch({ effects: ours.reconfigure(language(editor.state.field(head) > 0)) });
          }
        }, console.warn);
      };
      look();
      return {
        update: look,
        destroy: () => {
          isThere = false;
        }
      };
    });
    const lines = EditorView.decorations.compute([head, 'doc'], state => {
      const count = state.field(head);
      const starts = Array.from({ length: count }, (_, at) => state.doc.line(at + 1).from);
      return Decoration.set(starts.map(start => line.range(start)));
    });
    return [head, ours.of([]), follow, loader, lines, EditorView.baseTheme(LOOK)];
  }

  async function plugin() {
    const codemirror = await shared('@jupyterlab/codemirror');
    const state = await shared('@codemirror/state');
    const view = await shared('@codemirror/view');
    const { EditorExtensionRegistry, IEditorExtensionRegistry, IEditorLanguageRegistry } = codemirror;
    return {
      id: `${NAME}:sql`,
      description: 'Highlights the SQL below %%mysql_load.',
      autoStart: true,
      requires: [IEditorExtensionRegistry, IEditorLanguageRegistry],
      activate: (_, extensions, languages) => {
        const load = async () => (await languages.getLanguage(MIME)).support.language;
        const extension = sqlExtension(state, view, load);
        extensions.addExtension({
          name: `${NAME}:sql`,
          factory: () => EditorExtensionRegistry.createImmutableExtension(extension)
        });
      }
    };
  }

  const modules = { './extension': async () => ({ __esModule: true, default: await plugin() }) };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: async shareScope => {
      scope = shareScope;
    },
    get: async name => {
      if (!modules[name]) {
        throw new Error(`${NAME} has no module ${name}`);
      }
      const made = await modules[name]();
      return () => made;
    }
  };
})();
