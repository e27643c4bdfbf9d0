/*-------------------------------------------------------------------------
 *
 * truncate_observer.c
 *	  Who could tell TRUNCATE from a table emptied in place.
 *
 * TRUNCATE is seen by more than the table's readers: by its triggers, by
 * subscribers, by the extension that the table belongs to, by the wrapper of
 * a foreign table.  A table that has such an observer is always left to core,
 * also when it is empty.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "commands/trigger.h"
#include "clean/truncate_observer.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* Returns whether this database has any publication. */
static bool
publications_exist(void)
{
	Relation	catalog = table_open(PublicationRelationId, AccessShareLock);
	SysScanDesc scan;
	bool		found;

	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Returns the relations that belong to any extension. */
List *
pgsync_extension_relids(void)
{
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	List	   *relids = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ExtensionRelationId));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == RelationRelationId &&
			form->deptype == DEPENDENCY_EXTENSION)
			relids = lappend_oid(relids, form->objid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return relids;
}

/*
 * Reads what the tables' own catalog entries do not tell: one scan of each
 * catalog is cheaper than one lookup a table.
 */
void
pgsync_find_observers(PgsyncObservers *observers)
{
	observers->publications_exist = publications_exist();
	observers->extension_relids = pgsync_extension_relids();
}

/*
 * Returns whether a publication of any kind (of the table, a partitioned
 * ancestor, the schema or all tables) carries the table's changes.
 */
static bool
is_published(Relation rel)
{
	PublicationDesc desc;

	RelationBuildPublicationDesc(rel, &desc);
	return desc.pubactions.pubinsert || desc.pubactions.pubupdate ||
		desc.pubactions.pubdelete || desc.pubactions.pubtruncate;
}

/* Returns whether the table has a TRUNCATE trigger, enabled or not. */
bool
pgsync_has_truncate_trigger(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	return triggers != NULL && (triggers->trig_truncate_before_statement ||
								triggers->trig_truncate_after_statement);
}

/*
 * Returns whether an extension has a say in the table: it belongs to one, or one
 * watches it through a trigger.  Such a table's rows may be elsewhere.
 */
static bool
is_of_extension(Relation rel, PgsyncObservers *observers)
{
	TriggerDesc *triggers;
	bool		found = false;

	if (list_member_oid(observers->extension_relids, RelationGetRelid(rel)))
		return true;
	/* a cache that is reset meanwhile takes the relation's own list with it */
	triggers = CopyTriggerDesc(rel->trigdesc);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers && !found;
		 i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		found = !trigger->tgisinternal &&
			OidIsValid(getExtensionOfObject(ProcedureRelationId,
											trigger->tgfoid));
	}
	FreeTriggerDesc(triggers);
	return found;
}

/* Returns whether the table's rows are a heap's. */
bool
pgsync_is_heap(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_tableam == GetHeapamTableAmRoutine();
}

/* Returns whether subscribers may hear of what is done to the table's rows. */
bool
pgsync_is_replicated(Relation rel)
{
	return RelationIsLogicallyLogged(rel) && publications_exist() &&
		is_published(rel);
}

/* Returns whether the table must be left to core's TRUNCATE, even if empty. */
bool
pgsync_is_observed(Relation rel, PgsyncObservers *observers)
{
	if (rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		return true;

	/* rows of another access method cannot be looked at from here */
	if (rel->rd_rel->relkind == RELKIND_RELATION && !pgsync_is_heap(rel))
		return true;

	/* deleting from a catalog needs more than deleting rows */
	if (IsSystemRelation(rel) || RelationIsUsedAsCatalogTable(rel))
		return true;

	return pgsync_has_truncate_trigger(rel) ||
		(observers->publications_exist && is_published(rel)) ||
		is_of_extension(rel, observers);
}

/*
 * Returns whether a logical decoder could tell from the deletions which rows are
 * gone: they carry the replica identity, without which only a TRUNCATE record
 * says what happened.
 */
bool
pgsync_deletions_decodable(Relation rel)
{
	if (!RelationIsLogicallyLogged(rel) ||
		rel->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return true;
	return OidIsValid(RelationGetReplicaIndex(rel));
}
